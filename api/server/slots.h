/* api/http/slots.h - shares scarce places out between clients: inspections in flight, event streams. A client is a
 * token and an address; each may hold api_share of the places, so that none shuts the others out. Without a token
 * and on this machine clients cannot be told apart, and there is no such bound. Loop thread. */
#ifndef INSP_API_HTTP_SLOTS_H
#define INSP_API_HTTP_SLOTS_H

#include "core/base/error.h"

struct api_request;

/* Takes one of the limits.inflight slots for an inspection whose body is about to come. Where all are taken, an
 * upload that is slower than the daemon waits for is cut off and makes room. INSP_E_QUEUE_FULL. */
int api_slot_take(struct api_request *request, struct insp_error *reterr);

/* Gives it back; fine where there is none. */
void api_slot_release(struct api_request *request);

/* Takes one of the limits.event_streams places; the end of the request gives it back. INSP_E_QUEUE_FULL. */
int api_stream_take(struct api_request *request, struct insp_error *reterr);

/* Looks whether one more answer may be made, which is kept in memory until its client has read it: all together
 * they take limits.answer_bytes, and those of one client its share of that. INSP_E_QUEUE_FULL. */
int api_answer_room(const struct api_request *request, struct insp_error *reterr);

#endif
