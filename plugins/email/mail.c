/* mail.c - the head's lines and the parts in their order.
 * Not here: what the texts say (body.c, summary.c), the envelope (email.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/mail.h"

#include <stdio.h>
#include <string.h>

#include "email/header.h"
#include "email/quoted.h"

enum { DIGEST_BYTES = 32, ID_DIGEST_BYTES = 8, BOUNDARY_DIGEST_BYTES = 12, BASE64_LINE = 57 };
enum { BOUNDARY_BYTES = 2 + 2 * BOUNDARY_DIGEST_BYTES + 1, ID_PART_BYTES = 65 };

static void hex_write(const unsigned char *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* No line of a quoted-printable or base64 part can hold "=_". */
static void boundary_make(const struct mail *m, const struct tocsin_host *host,
			  char out[BOUNDARY_BYTES])
{
	unsigned char digest[DIGEST_BYTES];

	host->hmac(host->core, (struct tocsin_span){ m->webhook_id, strlen(m->webhook_id) },
		   (struct tocsin_span){ m->message_id, strlen(m->message_id) }, digest);
	out[0] = '=';
	out[1] = '_';
	hex_write(digest, BOUNDARY_DIGEST_BYTES, out + 2);
}

/* --- parts -------------------------------------------------------------------- */

static void text_part_append(struct tocsin_span text, const char *subtype, struct text *out)
{
	text_format(out,
		    "Content-Type: text/%s; charset=UTF-8\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		    subtype);
	quoted_append(text, out);
}

static void attachment_append(const struct mail *m, struct text *out)
{
	text_add(out, "Content-Type: application/json; name=\"event.json\"\r\n"
		      "Content-Disposition: attachment; filename=\"event.json\"\r\n"
		      "Content-Transfer-Encoding: base64\r\n\r\n");
	for (size_t at = 0; at < m->json.len; at += BASE64_LINE) {
		const size_t left = m->json.len - at;

		text_base64(out, (const unsigned char *)m->json.ptr + at,
			    left < BASE64_LINE ? left : BASE64_LINE);
		text_add(out, "\r\n");
	}
}

static void parts_append(const struct mail *m, const char *boundary, struct text *out)
{
	text_format(out, "Content-Type: multipart/%s;\r\n boundary=\"%s\"\r\n\r\n--%s\r\n",
		    m->html.ptr != NULL ? "alternative" : "mixed", boundary, boundary);
	text_part_append(m->text, "plain", out);
	text_format(out, "\r\n--%s\r\n", boundary);
	if (m->html.ptr != NULL)
		text_part_append(m->html, "html", out);
	else
		attachment_append(m, out);
	text_format(out, "\r\n--%s--\r\n", boundary);
}

/* --- head --------------------------------------------------------------------- */

static void unsubscribe_append(const struct mail *m, struct text *out)
{
	if (m->list_unsubscribe == NULL || m->list_unsubscribe[0] == '\0')
		return;
	text_format(out, "List-Unsubscribe: <%s>\r\n", m->list_unsubscribe);
	if (strncmp(m->list_unsubscribe, "https:", 6) == 0)
		header_line(out, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
}

static void rest_append(const struct mail *m, const struct tocsin_host *host, struct text *out)
{
	char boundary[BOUNDARY_BYTES];

	header_line(out, "Date", m->date);
	header_mailbox(out, "From", m->from_name, m->from);
	if (m->reply_to != NULL && m->reply_to[0] != '\0')
		header_mailbox(out, "Reply-To", NULL, m->reply_to);
	header_addresses(out, "To", m->to);
	header_addresses(out, "Cc", m->cc);
	header_text(out, "Subject", m->subject);
	unsubscribe_append(m, out);
	header_line(out, "Auto-Submitted", "auto-generated");
	header_line(out, "MIME-Version", "1.0");
	if (m->html.ptr == NULL && m->json.ptr == NULL) {
		text_part_append(m->text, "plain", out);
		return;
	}
	boundary_make(m, host, boundary);
	parts_append(m, boundary, out);
}

/* The core's ids are safe already; a guard costs nothing. */
static void id_part_copy(const char *id, char out[ID_PART_BYTES])
{
	size_t len = 0;

	for (; len < ID_PART_BYTES - 1 && id[len] != '\0'; len++) {
		const char c = id[len];
		const int is_safe = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				    (c >= '0' && c <= '9') || c == '_' || c == '-';

		out[len] = is_safe ? c : '-';
	}
	out[len] = '\0';
}

static void id_append(const struct mail *m, const struct tocsin_host *host, const struct text *rest,
		      struct text *out)
{
	unsigned char digest[DIGEST_BYTES];
	char message[ID_PART_BYTES], webhook[ID_PART_BYTES], hex[2 * ID_DIGEST_BYTES + 1];

	host->hmac(host->core, (struct tocsin_span){ m->webhook_id, strlen(m->webhook_id) },
		   (struct tocsin_span){ rest->ptr, rest->len }, digest);
	hex_write(digest, ID_DIGEST_BYTES, hex);
	id_part_copy(m->message_id, message);
	id_part_copy(m->webhook_id, webhook);
	text_format(out, "Message-ID: <%s.%s.%s@%s>\r\n", message, webhook, hex, m->id_domain);
}

void mail_build(const struct mail *m, const struct tocsin_host *host, struct text *out)
{
	struct text rest = { 0 };

	rest_append(m, host, &rest);
	if (!rest.failed) {
		id_append(m, host, &rest, out);
		text_bytes(out, rest.ptr, rest.len);
	}
	out->failed |= rest.failed;
	text_finish(&rest);
}

static void list_show(const char *name, struct tocsin_list list, struct text *out)
{
	for (size_t i = 0; i < list.count; i++)
		text_format(out, "%s%s", i == 0 ? name : ", ", list.items[i]);
	if (list.count > 0)
		text_add(out, "\n");
}

void mail_show(const struct mail *m, struct text *out)
{
	text_format(out, "From: %s\n", m->from);
	list_show("To: ", m->to, out);
	list_show("Cc: ", m->cc, out);
	text_add(out, "Subject: ");
	text_bytes(out, m->subject.ptr, m->subject.len);
	text_add(out, "\n\n");
	text_bytes(out, m->text.ptr, m->text.len);
	if (m->html.ptr == NULL)
		return;
	text_add(out, "\n--- HTML ---\n");
	text_bytes(out, m->html.ptr, m->html.len);
}
