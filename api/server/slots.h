/* api/server/slots.h - shares scarce places between clients: inspections in flight, event streams, exports,
 * uploads, memory of answers. A request holds one place at most (of inspections one for each image), until
 * api_place_release (server.h). Each token and each address may hold api_share of the places (not of exports and
 * uploads), so that no client shuts the others out. Behind a trusted proxy the address is the one that the proxy
 * names. Programs on this machine without a token count as one address; those with a token count by their token
 * only. Loop thread. */
#ifndef INSP_API_SERVER_SLOTS_H
#define INSP_API_SERVER_SLOTS_H

#include "core/base/error.h"

struct api_request;

/* Reserves one of the limits.inflight slots for an inspection, before its body is read. If no slot or no slot of
 * this client's share is free, cuts off the upload that is furthest behind the slowest allowed pace. Fails with
 * INSP_E_QUEUE_FULL. */
int api_slot_take(struct api_request *request, struct insp_error *reterr);

/* Widens the slot of a request, which has one, to `images` slots: 1 to what api_share allows of limits.inflight.
 * Fails with INSP_E_QUEUE_FULL; then it keeps its one slot. */
int api_slot_grow(struct api_request *request, unsigned images, struct insp_error *reterr);

/* Reserves one of the limits.event_streams places. Fails with INSP_E_QUEUE_FULL. */
int api_stream_take(struct api_request *request, struct insp_error *reterr);

/* Reserves one of the limits.exports places. Fails with INSP_E_QUEUE_FULL. */
int api_export_take(struct api_request *request, struct insp_error *reterr);

/* Reserves one of the API_UPLOADS_MAX places for images of a dataset. Fails with INSP_E_QUEUE_FULL. */
enum { API_UPLOADS_MAX = 8 }; /* bodies in memory at once, of limits.body_bytes each */
int api_upload_take(struct api_request *request, struct insp_error *reterr);

/* Checks that another answer may be made. Answers stay in memory until their clients have read them: all together
 * may take limits.answer_bytes, those of one client three quarters of it. Fails with INSP_E_QUEUE_FULL. */
int api_answer_room(const struct api_request *request, struct insp_error *reterr);

#endif
