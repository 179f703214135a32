/* api/kserve/kserve_models.h - finds the model of a KServe v2 request. Loop thread. */
#ifndef INSP_API_KSERVE_KSERVE_MODELS_H
#define INSP_API_KSERVE_KSERVE_MODELS_H

#include "api/http/request.h"
#include "core/model/model.h"

/* Gets a new reference to the model that a route names: param[0] is the product, param[1] the version or "". Fails
 * as insp_models_get does, and with INSP_E_NOT_FOUND for a version that does not serve. */
int api_kserve_model(const struct api_request *request, struct insp_model **ret, struct insp_error *reterr);

#endif
