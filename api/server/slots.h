/* api/http/slots.h - shares scarce places out between clients: inspections in flight, event streams, memory of
 * answers. A client is a token and an address; each may hold api_share of the places, so that none shuts the
 * others out. Behind a trusted proxy the address is the one that the proxy names. Programs on this machine count
 * as one address where they have no token, and by their token alone where they have one. Loop thread. */
#ifndef INSP_API_HTTP_SLOTS_H
#define INSP_API_HTTP_SLOTS_H

#include "core/base/error.h"

struct api_request;

/* Takes one of the limits.inflight slots for an inspection whose body is about to come. Where all are taken, or
 * all that this client may have, the upload that is furthest behind the pace the daemon waits for is cut off and
 * makes room. INSP_E_QUEUE_FULL. */
int api_slot_take(struct api_request *request, struct insp_error *reterr);

/* Gives it back; fine where there is none. */
void api_slot_release(struct api_request *request);

/* Takes one of the limits.event_streams places; the end of the request gives it back. INSP_E_QUEUE_FULL. */
int api_stream_take(struct api_request *request, struct insp_error *reterr);

/* Looks whether one more answer may be made, which is kept in memory until its client has read it: all together
 * they take limits.answer_bytes, and those of one client its share of that. INSP_E_QUEUE_FULL. */
int api_answer_room(const struct api_request *request, struct insp_error *reterr);

#endif
