#include "api/watch/late_refusal.h"

#include "api/server/deadline.h"
#include "api/server/server.h"

#include "core/base/clock.h"

#include <stdlib.h>

/* The part of a request that is refused. */
struct refusal {
    struct insp_error why;
};

static void drop(struct api_request *request) {
    free(request->part);
}

static void stop(struct api_request *request, enum api_stop why) {
    const struct refusal *refusal = request->part;
    (void)why;
    if (request->state == API_WORKING)
        api_server_fail(request, &refusal->why);
}

static const struct api_part_ops refusal_ops = {.drop = drop, .stop = stop};

int api_refuse_late(struct api_request *request, const struct insp_error *why, struct insp_error *reterr) {
    struct refusal *refusal = calloc(1, sizeof *refusal);
    if (!refusal)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a refusal");
    refusal->why = *why;
    api_request_drop(request);
    api_request_attach(request, refusal, &refusal_ops);
    request->gives_way = true;
    api_server_suspend(request);
    api_deadline_set(request, insp_mono_us() + API_LATE_REFUSAL_MS * 1000);
    return 0;
}
