#include "api/inspections/publish.h"

#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "api/inspections/poll.h"
#include "api/modbus/stations.h"
#include "api/server/server.h"
#include "api/sinks/sinks.h"
#include "api/watch/events.h"
#include "core/base/clock.h"

char *api_inspection_publish(struct api_server *server, const struct insp_inspection *job, size_t *ret_bytes) {
    struct insp_record record;
    api_stations_offer(server->stations, job); /* first: the PLC waits */
    int64_t publish_us = insp_mono_us() - job->committed_us;
    insp_inspection_record(job, &record);
    char *line = api_json_line(api_inspection_json(&record), ret_bytes);
    api_meters_inspection(server->meters, job, publish_us);
    api_events_publish_line(server->events, "inspection", job->id, line);
    api_poll_offer(server, &record, line);
    api_sinks_came(server->sinks);
    return line;
}
