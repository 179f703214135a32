#include "api/server/deadline.h"

#include "api/server/server.h"

#include "core/base/clock.h"

/* Stops what is due, and arms the timer for the nearest deadline to come. */
static void on_deadline(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    int64_t now = insp_mono_us(), nearest = INT64_MAX;
    for (struct api_request *request = server->requests; request; request = request->next) {
        int64_t deadline_us = request->state == API_WORKING ? request->deadline_us : 0;
        if (deadline_us && deadline_us <= now) {
            request->deadline_us = 0;
            if (request->ops && request->ops->stop)
                request->ops->stop(request, API_STOP_DEADLINE);
        } else if (deadline_us && deadline_us < nearest) {
            nearest = deadline_us;
        }
    }
    if (nearest < INT64_MAX)
        uv_timer_start(timer, on_deadline, (uint64_t)((nearest - now + 999) / 1000), 0);
    else
        uv_timer_stop(timer);
}

void api_deadline_set(struct api_request *request, int64_t deadline_us) {
    request->deadline_us = deadline_us;
    if (deadline_us) /* a timer, because a handler must not resume its own connection */
        uv_timer_start(&request->server->deadline, on_deadline, 0, 0);
}
