/* api/inspections/poll.h - answers GET /v1/inspections?after=ID&wait_ms=N: the results after one that the client
 * has, or, if there are none yet, the next one as soon as it is stored.
 *
 * "After" is the order in which results were published, not that of ids: an inspection gets its id when it begins,
 * so that one with a smaller id may follow. The last 1024 are known in that order (events.h). If the client's is
 * older, the page begins with the store's rows in the order of their ids, and repeats those that may have followed
 * the client's although their ids are smaller. A client that goes on with the last id of each page misses none; it
 * may get some twice after a restart of the daemon, or when it has been away for more than 1024 results.
 *
 * A waiting request holds one of the limits.event_streams places and no thread. Threads: as stated. */
#ifndef INSP_API_INSPECTIONS_POLL_H
#define INSP_API_INSPECTIONS_POLL_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <stdbool.h>

struct api_request;
struct api_server;

/* Says whether a list asks for the results after one. Any thread. */
bool api_poll_wanted(const struct api_request *request);

/* Prepares such a list before the store is read. Loop thread. Fails with INSP_E_QUERY, INSP_E_QUEUE_FULL (no place
 * to wait is free), INSP_E_NOMEM. */
int api_poll_before(struct api_request *request, struct insp_error *reterr);

/* Reads the page; leaves the response empty if it has no result and the request waits. Blocks on the database.
 * Fails as insp_store_list does, and with INSP_E_NOMEM. */
int api_poll_read(struct api_request *request, struct insp_error *reterr);

/* Offers a result that was just stored to the waiting requests, and answers those whose filter admits it. Loop
 * thread.
 *   line  its text of api_json_line; NULL (no memory) answers with an empty page, so that the client asks again */
void api_poll_offer(struct api_server *server, const struct insp_record *record, const char *line);

#endif
