/* Answers questions of the daemon and the probes about a running server (api.h). */
#include "api/listen/listener.h"
#include "api/server/server.h"

#include "core/inspect/pipeline.h"
#include "core/store/health.h"

enum {
    STUCK_US = 60 * 1000000, /* a longer pass means that the inference thread makes no progress */
    TURN_US = 10 * 1000000,  /* a loop without a sweep for longer does not turn */
};

const char *api_server_address(const struct api_server *server) {
    return server->address;
}

bool api_server_device_failed(const struct api_server *server) {
    struct insp_engine_status status;
    insp_engine_status(server->config.engine, &status);
    return status.device_failed;
}

bool api_server_healthy(struct api_server *server, int64_t now_us) {
    struct insp_engine_status status;
    insp_engine_status(server->config.engine, &status);
    bool stuck = status.busy_since_us && now_us - status.busy_since_us > STUCK_US;
    return !stuck && !status.device_failed && now_us - server->turned_us < TURN_US &&
           api_listener_answers(server, now_us);
}

bool api_server_ready(const struct api_server *server) {
    return !server->stopping && !api_server_device_failed(server) &&
           insp_engine_trunk_sha256(server->config.engine)[0] && insp_models_ready(server->models) &&
           !insp_store_health(server->config.store, NULL);
}
