/* ids.h - the layout of event and delivery ids.
 * SPDX-License-Identifier: MIT
 * 63 bits: 41 milliseconds since 2024 | 5 node | 7 counter | 10 delivery
 * number. An event has number 0, its deliveries are id + 1, id + 2 …; a fan-out
 * wider than 1,023 runs into the following event slots, which are then not
 * given to other events. So both tables grow at one end, an event's deliveries
 * are a range of the key, and time ranges are id ranges. */
#ifndef TOCSIN_MODEL_IDS_H
#define TOCSIN_MODEL_IDS_H

#include <stdint.h>

enum { ID_DELIVERY_BITS = 10, ID_COUNTER_BITS = 7, ID_NODE_BITS = 5 };
#define ID_STEP     (INT64_C(1) << ID_DELIVERY_BITS)
#define ID_EPOCH_MS INT64_C(1704067200000) /* 2024-01-01T00:00:00Z */

/* The next event id after last, for this moment and node: never smaller than
 * last + ID_STEP, also when the clock steps back. */
int64_t id_next(int64_t last, int64_t now_ms, unsigned node);
/* When an id was made (wall clock). */
int64_t id_time_ms(int64_t id);
/* The first id of a moment, for time ranges. */
int64_t id_floor(int64_t wall_ms);
/* The first free event slot after an event with this many deliveries. */
int64_t id_after(int64_t event_id, int64_t deliveries);

#endif
