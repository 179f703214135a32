/* GET /v2 and below: health, the server's and the models' descriptions of the open inference protocol (KServe v2).
 * A model is a product; its one version is the serving one. */
#include "api/kserve/kserve_models.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include <string.h>

int api_kserve_model(const struct api_request *request, struct insp_model **ret, struct insp_error *reterr) {
    const char *product = request->param[0], *version = request->param[1];
    struct insp_model *model = NULL;
    int code = insp_models_get(request->server->models, product, &model, reterr);
    if (code)
        return code;
    if (*version && strcmp(version, model->manifest->version) != 0) {
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "version %s of %s does not serve; %s does", version, product,
                         model->manifest->version);
        insp_model_unref(model);
        return code;
    }
    *ret = model;
    return 0;
}

static int check(const struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    return api_query_allow(&request->query, known, reterr);
}

int api_kserve_live(struct api_request *request, struct insp_error *reterr) {
    int code = check(request, reterr);
    return code ? code : api_response_json(&request->response, 200, json_pack("{s:b}", "live", 1), reterr);
}

static int check_ready(const struct api_request *request, struct insp_error *reterr) {
    if (!api_server_ready(request->server))
        return insp_fail(reterr, INSP_E_NOT_READY, "the daemon is not ready; GET /readyz says why");
    return 0;
}

/* The specification prints `live`, a client reads `ready`. */
int api_kserve_ready(struct api_request *request, struct insp_error *reterr) {
    int code = check(request, reterr);
    if (!code)
        code = check_ready(request, reterr);
    return code
               ? code
               : api_response_json(&request->response, 200, json_pack("{s:b,s:b}", "live", 1, "ready", 1), reterr);
}

int api_kserve_server(struct api_request *request, struct insp_error *reterr) {
    int code = check(request, reterr);
    return code ? code
                : api_response_json(&request->response, 200,
                                    json_pack("{s:s,s:s,s:[s]}", "name", "inspectd", "version", INSP_VERSION,
                                              "extensions", "binary_tensor_data"),
                                    reterr);
}

static json_t *describe(const struct insp_manifest *manifest) {
    enum { ANY = -1 };
    const struct insp_map_size map = insp_tiles_map(manifest->tiles);
    return json_pack("{s:s,s:[s],s:s,s:[{s:s,s:s,s:[i]}],s:[{s:s,s:s,s:[i]},{s:s,s:s,s:[i]},{s:s,s:s,s:[i,i,i]}]}",
                     "name", manifest->product, "versions", manifest->version, "platform", "inspectd_vgg16",
                     "inputs", "name", "image", "datatype", "BYTES", "shape", ANY, "outputs", "name",
                     "probability", "datatype", "FP32", "shape", ANY, "name", "verdict", "datatype", "BYTES",
                     "shape", ANY, "name", "heatmap", "datatype", "FP32", "shape", ANY, map.rows, map.columns);
}

int api_kserve_model_get(struct api_request *request, struct insp_error *reterr) {
    struct insp_model *model = NULL;
    int code = check(request, reterr);
    if (!code)
        code = api_kserve_model(request, &model, reterr);
    if (!code)
        code = api_response_json(&request->response, 200, describe(model->manifest), reterr);
    insp_model_unref(model);
    return code;
}

int api_kserve_model_ready(struct api_request *request, struct insp_error *reterr) {
    struct insp_model *model = NULL;
    int code = check(request, reterr);
    if (!code)
        code = api_kserve_model(request, &model, reterr);
    if (!code)
        code = check_ready(request, reterr);
    if (!code)
        code = api_response_json(&request->response, 200,
                                 json_pack("{s:s,s:b}", "name", model->manifest->product, "ready", 1), reterr);
    insp_model_unref(model);
    return code;
}
