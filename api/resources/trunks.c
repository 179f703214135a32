/* Lists the trunks and starts the jobs that install one. The handlers run in lane BACK (API_WORK). */
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/model/fetch/trunk_origin.h"
#include "core/model/registry.h"

#include <string.h>

static json_t *trunk_json(const char *state_dir, const struct insp_trunk_info *trunk, const char *loaded) {
    const char *origin = insp_trunk_origin_name(insp_trunk_origin_of(state_dir, trunk->sha256));
    return json_pack("{s:s, s:I, s:b, s:b, s:s?}", "sha256", trunk->sha256, "bytes", (json_int_t)trunk->bytes,
                     "default", trunk->is_default, "loaded", !strcmp(trunk->sha256, loaded), "origin", origin);
}

int api_trunks_list(struct api_request *request, struct insp_error *reterr) {
    static const char *const none[] = {NULL};
    const struct api_config *config = &request->server->config;
    _cleanup_free_ struct insp_trunk_info *trunks = NULL;
    size_t count = 0;
    int r = api_query_allow(&request->query, none, reterr);
    if (r == 0)
        r = insp_registry_trunks(config->state_dir, &trunks, &count, reterr);
    if (r < 0)
        return r;
    const char *loaded = insp_engine_trunk_sha256(config->engine);
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, trunk_json(config->state_dir, &trunks[i], loaded));
    return api_response_json(&request->response, 200,
                             json_pack("{s:o, s:s}", "items", items, "source", config->trunk_url), reterr);
}
