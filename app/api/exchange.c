/* exchange.c - what a thread needs for one request after the other.
 * Not here: the steps of answering one (router.c).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/exchange.h"

void exchange_init(struct exchange *x, const struct api *api)
{
	const int64_t one = api->conf->api.body_max_bytes, batch = api->conf->api.batch_max_bytes;

	*x = (struct exchange){ .api = api };
	request_init(&x->request, (size_t)(one > batch ? one : batch));
	reply_init(&x->reply);
	query_init(&x->query, api->ids);
	faults_init(&x->faults);
}

void exchange_finish(struct exchange *x)
{
	if (x == NULL)
		return;
	request_finish(&x->request);
	reply_finish(&x->reply);
	query_finish(&x->query);
	faults_finish(&x->faults);
}

void exchange_reset(struct exchange *x)
{
	reply_reset(&x->reply);
	if (x->faults.count > 0) {
		faults_finish(&x->faults);
		faults_init(&x->faults);
	}
	x->caller = (struct caller){ 0 };
	x->route = NULL;
	x->resume = NULL;
}
