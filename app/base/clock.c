/* clock.c - the system's clocks, and moments as RFC 3339 text.
 * Not here: rules about time; they take a moment as a parameter.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define SECOND_US ((int64_t)1000000)
#define DAY_S     ((int64_t)86400)
/* 9999-12-31T23:59:59.999999Z, the last moment with a four-digit year. */
#define WALL_MAX_US ((int64_t)253402300799 * SECOND_US + 999999)

static int64_t clock_us(clockid_t which)
{
	struct timespec ts = { 0 };

	/* Cannot fail for the two clocks asked for here. */
	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

static void digits_put(char *out, unsigned count, unsigned value)
{
	while (count-- > 0) {
		out[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Days since 1970-01-01 to a date and back, on a calendar whose years begin
 * in March, so that the leap day is the last of its year. 146097 days make
 * 400 years, 719468 days lie between 0000-03-01 and 1970-01-01. */
static void date_of_day(unsigned day, unsigned *year, unsigned *month, unsigned *mday)
{
	const unsigned z = day + 719468;
	const unsigned era = z / 146097, doe = z % 146097;
	const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const unsigned march = (5 * doy + 2) / 153;

	*mday = doy - (153 * march + 2) / 5 + 1;
	*month = march < 10 ? march + 3 : march - 9;
	*year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

static int64_t day_of_date(unsigned year, unsigned month, unsigned mday)
{
	const unsigned y = month <= 2 ? year - 1 : year;
	const unsigned yoe = y % 400;
	const unsigned march = month > 2 ? month - 3 : month + 9;
	const unsigned doy = (153 * march + 2) / 5 + mday - 1;

	return (int64_t)(y / 400) * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void time_format(int64_t wall_us, char out[TIME_TEXT_BYTES])
{
	const int64_t us = wall_us < 0 ? 0 : wall_us > WALL_MAX_US ? WALL_MAX_US : wall_us;
	const int64_t seconds = us / SECOND_US;
	const unsigned of_day = (unsigned)(seconds % DAY_S);
	unsigned year, month, mday;

	memcpy(out, "0000-00-00T00:00:00.000000Z", TIME_TEXT_BYTES);
	date_of_day((unsigned)(seconds / DAY_S), &year, &month, &mday);
	digits_put(out, 4, year);
	digits_put(out + 5, 2, month);
	digits_put(out + 8, 2, mday);
	digits_put(out + 11, 2, of_day / 3600);
	digits_put(out + 14, 2, of_day / 60 % 60);
	digits_put(out + 17, 2, of_day % 60);
	digits_put(out + 20, 6, (unsigned)(us % SECOND_US));
}

void time_words_format(int64_t wall_ms, enum time_words form, char out[TIME_WORDS_BYTES])
{
	/* 1 January 1970 was a Thursday. */
	static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const int64_t most_ms = WALL_MAX_US / 1000;
	const int64_t ms = wall_ms < 0 ? 0 : wall_ms > most_ms ? most_ms : wall_ms;
	const unsigned day = (unsigned)(ms / 1000 / DAY_S);
	const unsigned of_day = (unsigned)(ms / 1000 % DAY_S);
	const unsigned hour = of_day / 3600, minute = of_day / 60 % 60, second = of_day % 60;
	unsigned year, month, mday;

	date_of_day(day, &year, &month, &mday);
	switch (form) {
	case TIME_WORDS_MAIL:
		snprintf(out, TIME_WORDS_BYTES, "%s, %02u %s %04u %02u:%02u:%02u +0000",
			 days[day % 7], mday, months[month - 1], year, hour, minute, second);
		return;
	case TIME_WORDS_PEOPLE:
		snprintf(out, TIME_WORDS_BYTES, "%u %s %04u, %02u:%02u:%02u UTC", mday,
			 months[month - 1], year, hour, minute, second);
		return;
	case TIME_WORDS_ISO: break;
	}
	snprintf(out, TIME_WORDS_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, mday,
		 hour, minute, second, (unsigned)(ms % 1000));
}

/* Read count digits whose value lies in min..max. */
static bool digits_get(struct span *text, unsigned count, unsigned min, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text->len < count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		const unsigned digit = (unsigned)(unsigned char)text->ptr[i] - '0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	text->ptr += count;
	text->len -= count;
	*out = value;
	return value >= min && value <= max;
}

static bool byte_get(struct span *text, char a, char b)
{
	if (text->len == 0 || (text->ptr[0] != a && text->ptr[0] != b))
		return false;
	text->ptr++;
	text->len--;
	return true;
}

/* ".5" becomes 500000; digits after the sixth are dropped; nothing is 0. */
static bool fraction_get(struct span *text, int64_t *out_us)
{
	int64_t us = 0, unit = SECOND_US / 10;
	unsigned digit;

	*out_us = 0;
	if (!byte_get(text, '.', '.'))
		return true;
	if (!digits_get(text, 1, 0, 9, &digit))
		return false;
	do {
		us += unit * digit;
		unit /= 10;
	} while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9' &&
		 digits_get(text, 1, 0, 9, &digit));
	*out_us = us;
	return true;
}

/* "Z" or "+hh:mm" and the end of the text. */
static bool offset_get(struct span *text, int64_t *out_s)
{
	unsigned hours, minutes;

	*out_s = 0;
	if (byte_get(text, 'Z', 'z'))
		return text->len == 0;

	const bool behind = text->len > 0 && text->ptr[0] == '-';

	if (!byte_get(text, '+', '-') || !digits_get(text, 2, 0, 23, &hours) ||
	    !byte_get(text, ':', ':') || !digits_get(text, 2, 0, 59, &minutes))
		return false;
	*out_s = (int64_t)(hours * 3600 + minutes * 60) * (behind ? -1 : 1);
	return text->len == 0;
}

static bool date_get(struct span *text, int64_t *out_day)
{
	static const unsigned char month_days[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	unsigned year, month, mday;

	if (!digits_get(text, 4, 1970, 9999, &year) || !byte_get(text, '-', '-') ||
	    !digits_get(text, 2, 1, 12, &month) || !byte_get(text, '-', '-') ||
	    !digits_get(text, 2, 1, month_days[month - 1], &mday))
		return false;
	if (month == 2 && mday == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
		return false;
	*out_day = day_of_date(year, month, mday);
	return true;
}

bool time_parse(struct span text, int64_t *out_us)
{
	unsigned hour, minute, second;
	int64_t day, fraction_us, offset_s;

	if (!date_get(&text, &day) || !byte_get(&text, 'T', 't') ||
	    !digits_get(&text, 2, 0, 23, &hour) || !byte_get(&text, ':', ':') ||
	    !digits_get(&text, 2, 0, 59, &minute) || !byte_get(&text, ':', ':') ||
	    !digits_get(&text, 2, 0, 60, &second) || !fraction_get(&text, &fraction_us) ||
	    !offset_get(&text, &offset_s))
		return false;

	const int64_t seconds = day * DAY_S + hour * 3600 + minute * 60 + second - offset_s;

	/* A leap second is the last of a UTC day, so 60 lands on the next one. */
	if (second == 60 && seconds % DAY_S != 0)
		return false;

	const int64_t us = seconds * SECOND_US + fraction_us;

	if (us < 0 || us > WALL_MAX_US)
		return false;
	*out_us = us;
	return true;
}
