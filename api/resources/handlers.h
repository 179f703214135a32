/* api/resources/handlers.h - the handlers that the route table names; one file per resource. The thread is the
 * kind's (router.h); each fills request->response or fails, which becomes a problem. */
#ifndef INSP_API_RESOURCES_HANDLERS_H
#define INSP_API_RESOURCES_HANDLERS_H

#include "api/http/request.h"
#include "core/serving/model_change.h"

/* inspections_post.c */
int api_inspections_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_inspections_post(struct api_request *request, struct insp_error *reterr);   /* async */

/* inspections_get.c: work; the list is JSON, or an export whose place api_export_before took */
int api_inspections_list(struct api_request *request, struct insp_error *reterr);
int api_inspection_get(struct api_request *request, struct insp_error *reterr);

/* pictures.c: work */
int api_inspection_image(struct api_request *request, struct insp_error *reterr);
int api_inspection_heatmap(struct api_request *request, struct insp_error *reterr);
int api_inspection_heat(struct api_request *request, struct insp_error *reterr);

/* labels.c: work */
int api_label_put(struct api_request *request, struct insp_error *reterr);
int api_label_delete(struct api_request *request, struct insp_error *reterr);

/* statistics.c: work */
int api_statistics_get(struct api_request *request, struct insp_error *reterr);

/* products.c: work; `before` takes the loop's view of the models */
int api_products_before(struct api_request *request, struct insp_error *reterr);
int api_products_list(struct api_request *request, struct insp_error *reterr);
int api_product_get(struct api_request *request, struct insp_error *reterr);
int api_models_list(struct api_request *request, struct insp_error *reterr);
int api_model_get(struct api_request *request, struct insp_error *reterr);

/* job_requests.c: work */
int api_job_train(struct api_request *request, struct insp_error *reterr);
int api_job_cross_validate(struct api_request *request, struct insp_error *reterr);
int api_job_evaluate(struct api_request *request, struct insp_error *reterr);
int api_job_cancel(struct api_request *request, struct insp_error *reterr);
int api_job_get(struct api_request *request, struct insp_error *reterr);
int api_jobs_list(struct api_request *request, struct insp_error *reterr);

/* datasets.c, datasets_list.c: work */
int api_dataset_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_dataset_put(struct api_request *request, struct insp_error *reterr);
int api_dataset_get(struct api_request *request, struct insp_error *reterr);
int api_dataset_delete(struct api_request *request, struct insp_error *reterr);
int api_dataset_list(struct api_request *request, struct insp_error *reterr);
int api_dataset_from_labels(struct api_request *request, struct insp_error *reterr);

/* job_report.c: work */
int api_job_report(struct api_request *request, struct insp_error *reterr);

/* models_admin.c: work */
int api_model_activate(struct api_request *request, struct insp_error *reterr);
int api_model_rollback(struct api_request *request, struct insp_error *reterr);
int api_model_delete(struct api_request *request, struct insp_error *reterr);
struct insp_changer
api_changer(const struct api_request *request); /* the request as author of a change; borrows */

/* model_patch.c: work */
int api_model_patch(struct api_request *request, struct insp_error *reterr);
int api_model_changes(struct api_request *request, struct insp_error *reterr);

/* events_get.c: async */
int api_events_get(struct api_request *request, struct insp_error *reterr);

/* ops.c: loop */
int api_healthz(struct api_request *request, struct insp_error *reterr);
int api_readyz(struct api_request *request, struct insp_error *reterr);
int api_metrics_get(struct api_request *request, struct insp_error *reterr);

/* assets.c: loop; files that were compiled in */
int api_asset_get(struct api_request *request, struct insp_error *reterr);

#endif
