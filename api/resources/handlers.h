/* api/resources/handlers.h - declares the handlers of the route table, one file per resource. A handler runs on
 * the thread of its route's kind (router.h) and fills request->response, or fails: the caller answers with a
 * problem. */
#ifndef INSP_API_RESOURCES_HANDLERS_H
#define INSP_API_RESOURCES_HANDLERS_H

#include "api/http/request.h"
#include "core/serving/model_change.h"

/* inspections_post.c */
int api_inspections_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_inspections_post(struct api_request *request, struct insp_error *reterr);   /* API_ASYNC */

/* kserve_models.c: API_LOOP */
int api_kserve_live(struct api_request *request, struct insp_error *reterr);
int api_kserve_ready(struct api_request *request, struct insp_error *reterr);
int api_kserve_server(struct api_request *request, struct insp_error *reterr);
int api_kserve_model_get(struct api_request *request, struct insp_error *reterr);
int api_kserve_model_ready(struct api_request *request, struct insp_error *reterr);

/* infer.c */
int api_kserve_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_kserve_infer(struct api_request *request, struct insp_error *reterr);  /* API_ASYNC */

/* inspections_get.c: API_WORK. The list is JSON, or an export if api_export_wanted. */
int api_inspections_before(struct api_request *request, struct insp_error *reterr);
int api_inspections_list(struct api_request *request, struct insp_error *reterr);
int api_inspection_get(struct api_request *request, struct insp_error *reterr);

/* pictures.c: API_HEAVY, the numbers of the heat API_WORK */
int api_inspection_image(struct api_request *request, struct insp_error *reterr);
int api_inspection_heatmap(struct api_request *request, struct insp_error *reterr);
int api_inspection_heat(struct api_request *request, struct insp_error *reterr);

/* labels.c: API_WORK */
int api_label_put(struct api_request *request, struct insp_error *reterr);
int api_label_delete(struct api_request *request, struct insp_error *reterr);

/* statistics.c: API_WORK */
int api_statistics_get(struct api_request *request, struct insp_error *reterr);

/* drift_get.c: API_HEAVY, the chance of a day with 86,400 parts takes milliseconds */
int api_drift_get(struct api_request *request, struct insp_error *reterr);

/* products.c: API_WORK; api_products_before, on the loop, copies the state of the models to request->snapshot */
int api_products_before(struct api_request *request, struct insp_error *reterr);
int api_products_list(struct api_request *request, struct insp_error *reterr);
int api_product_get(struct api_request *request, struct insp_error *reterr);
int api_models_list(struct api_request *request, struct insp_error *reterr);
int api_model_get(struct api_request *request, struct insp_error *reterr);

/* regions.c: API_WORK, after api_products_before */
int api_regions_get(struct api_request *request, struct insp_error *reterr);
int api_regions_put(struct api_request *request, struct insp_error *reterr);
int api_regions_delete(struct api_request *request, struct insp_error *reterr);

/* model_images.c: API_HEAVY */
int api_model_images(struct api_request *request, struct insp_error *reterr);

/* job_requests.c: API_WORK */
int api_job_train(struct api_request *request, struct insp_error *reterr);
int api_job_cross_validate(struct api_request *request, struct insp_error *reterr);
int api_job_evaluate(struct api_request *request, struct insp_error *reterr);
int api_job_trunk_bank(struct api_request *request, struct insp_error *reterr);
int api_job_trunk_fetch(struct api_request *request, struct insp_error *reterr);
int api_job_cancel(struct api_request *request, struct insp_error *reterr);
int api_job_get(struct api_request *request, struct insp_error *reterr);
int api_jobs_list(struct api_request *request, struct insp_error *reterr);

/* trunks.c: API_WORK */
int api_trunks_list(struct api_request *request, struct insp_error *reterr);

/* datasets.c, datasets_list.c: API_HEAVY, the removal API_WORK */
int api_dataset_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_dataset_put(struct api_request *request, struct insp_error *reterr);
int api_dataset_get(struct api_request *request, struct insp_error *reterr);
int api_dataset_delete(struct api_request *request, struct insp_error *reterr);
int api_dataset_list(struct api_request *request, struct insp_error *reterr);
int api_dataset_from_labels(struct api_request *request, struct insp_error *reterr);

/* datasets_edit.c: API_HEAVY, the product and the list of changes API_WORK */
int api_product_make(struct api_request *request, struct insp_error *reterr);
int api_datasets_get(struct api_request *request, struct insp_error *reterr);
int api_dataset_add_accept(struct api_request *request, struct insp_error *reterr); /* loop, at the headers */
int api_dataset_add(struct api_request *request, struct insp_error *reterr);
int api_dataset_move(struct api_request *request, struct insp_error *reterr);
int api_dataset_trash(struct api_request *request, struct insp_error *reterr);
int api_dataset_undo(struct api_request *request, struct insp_error *reterr);
int api_dataset_changes(struct api_request *request, struct insp_error *reterr);
int api_dataset_forget(struct api_request *request, struct insp_error *reterr);

/* job_report.c: API_HEAVY */
int api_job_report(struct api_request *request, struct insp_error *reterr);

/* models_admin.c: API_HEAVY, the removal API_WORK */
int api_model_activate(struct api_request *request, struct insp_error *reterr);
int api_model_rollback(struct api_request *request, struct insp_error *reterr);
int api_model_delete(struct api_request *request, struct insp_error *reterr);
int api_shadow_promote(struct api_request *request, struct insp_error *reterr);
/* Returns the author of changes that a request makes: the token's name, or "local" without one. Borrows from the
 * request. */
struct insp_changer api_changer(const struct api_request *request);

/* Sends the answer after the models were read again; a request->worked. Loop thread. */
void api_models_reread(struct api_request *request);

/* model_patch.c: API_WORK */
int api_model_patch(struct api_request *request, struct insp_error *reterr);
int api_model_changes(struct api_request *request, struct insp_error *reterr);

/* shadow_requests.c: API_WORK, the beginning API_HEAVY; api_shadow_before, on the loop, says whether the shadow
 * runs */
int api_shadow_before(struct api_request *request, struct insp_error *reterr);
int api_shadow_get(struct api_request *request, struct insp_error *reterr);
int api_shadow_put(struct api_request *request, struct insp_error *reterr);
int api_shadow_delete(struct api_request *request, struct insp_error *reterr);

/* events_get.c: API_ASYNC */
int api_events_get(struct api_request *request, struct insp_error *reterr);

/* cameras_get.c: API_LOOP; camera_report.c and camera_trigger.c: API_ASYNC */
int api_cameras_list(struct api_request *request, struct insp_error *reterr);
int api_camera_report(struct api_request *request, struct insp_error *reterr);
int api_camera_trigger(struct api_request *request, struct insp_error *reterr);

/* sources_get.c, API_LOOP */
int api_sources_list(struct api_request *request, struct insp_error *reterr);
/* sinks_get.c: the list API_LOOP, the test API_ASYNC */
int api_sinks_list(struct api_request *request, struct insp_error *reterr);
int api_sink_test(struct api_request *request, struct insp_error *reterr);

/* ops.c: API_LOOP */
int api_healthz(struct api_request *request, struct insp_error *reterr);
int api_readyz(struct api_request *request, struct insp_error *reterr);
int api_metrics_get(struct api_request *request, struct insp_error *reterr);

/* assets.c: API_LOOP */
int api_asset_get(struct api_request *request, struct insp_error *reterr);

#endif
