#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/watch/prometheus.h"

#include "core/store/health.h"

int api_healthz(struct api_request *request, struct insp_error *reterr) {
    return api_response_json(&request->response, 200,
                             json_pack("{s:s,s:s}", "status", "ok", "version", INSP_VERSION), reterr);
}

enum { REASON_BYTES = 2 * INSP_NAME_BYTES + INSP_ERROR_DETAIL_BYTES + 80 };

static void add_product(json_t *list, const struct insp_served_model *item) {
    char text[REASON_BYTES];
    if (!item->passed) {
        snprintf(text, sizeof text, "product %s: %s", item->product,
                 item->failure[0] ? item->failure : "the self-test has not run yet");
        json_array_append_new(list, json_string(text));
    }
    if (item->reload_failure[0]) {
        snprintf(text, sizeof text, "product %s: the active version could not be loaded, %s still serves: %s",
                 item->product, item->model->manifest->version, item->reload_failure);
        json_array_append_new(list, json_string(text));
    }
    if (item->damage[0]) {
        snprintf(text, sizeof text,
                 "product %s: the files of %s are damaged; it serves from memory until a restart: %s",
                 item->product, item->model->manifest->version, item->damage);
        json_array_append_new(list, json_string(text));
    }
}

static json_t *reasons(struct api_server *server) {
    json_t *list = json_array();
    char text[REASON_BYTES];
    if (server->stopping)
        json_array_append_new(list, json_string("the daemon is shutting down"));
    if (!insp_engine_trunk_sha256(server->config.engine)[0])
        json_array_append_new(list, json_string("no trunk is loaded; see inspectd trunk --help"));
    if (!insp_models_count(server->models))
        json_array_append_new(list, json_string("no product has a model; see inspectd train --help"));
    if (insp_models_failure(server->models)[0]) {
        snprintf(text, sizeof text, "the models could not be read again: %s", insp_models_failure(server->models));
        json_array_append_new(list, json_string(text));
    }
    if (insp_models_trunk_damage(server->models)[0]) {
        snprintf(text, sizeof text, "the trunk's file is damaged; it serves from memory until a restart: %s",
                 insp_models_trunk_damage(server->models));
        json_array_append_new(list, json_string(text));
    }
    for (size_t i = 0; i < insp_models_count(server->models); i++)
        add_product(list, insp_models_at(server->models, i));
    if (api_server_device_failed(server))
        json_array_append_new(
            list, json_string("the compute device failed: restart the daemon (systemd's watchdog does)"));
    struct insp_error error;
    if (insp_store_health(server->config.store, &error)) {
        snprintf(text, sizeof text, "storage: %s", error.detail);
        json_array_append_new(list, json_string(text));
    }
    api_storage_reasons(&server->storage, list);
    return list;
}

/* A ready daemon lists reasons too: products that do not serve while others do, and alarms of the storage. */
int api_readyz(struct api_request *request, struct insp_error *reterr) {
    struct api_server *server = request->server;
    json_t *why = reasons(server), *models = insp_models_json(server->models);
    api_hide_json(&server->hidden, why);
    api_hide_json(&server->hidden, models);
    if (api_server_ready(server))
        return api_response_json(&request->response, 200,
                                 json_pack("{s:s,s:o,s:o}", "status", "ready", "models", models, "reasons", why),
                                 reterr);
    int code =
        api_response_json(&request->response, 503,
                          json_pack("{s:s,s:s,s:i,s:s,s:s,s:o,s:o}", "type", "about:blank", "title",
                                    insp_code_title(INSP_E_NOT_READY), "status", 503, "code",
                                    insp_code_wire(INSP_E_NOT_READY), "detail",
                                    insp_store_health(server->config.store, NULL) ? "the storage fails"
                                    : api_server_device_failed(server)            ? "the compute device failed"
                                                                       : "no model has passed its self-test",
                                    "reasons", why, "models", models),
                          reterr);
    snprintf(request->response.content_type, sizeof request->response.content_type, "application/problem+json");
    api_response_header(&request->response, "Retry-After", "5");
    return code;
}

int api_metrics_get(struct api_request *request, struct insp_error *reterr) {
    size_t bytes;
    char *text = api_metrics_text(request->server, &bytes);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the metrics");
    api_response_take(&request->response, 200, text, bytes, "text/plain; version=0.0.4; charset=utf-8");
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}
