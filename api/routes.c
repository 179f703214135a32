#include "api/handlers.h"

#include "api/export.h"
#include "api/router.h"

#define VIEWERS (API_ROLE_VIEWER | API_ROLE_OPERATOR)
enum { JSON_BYTES_MAX = 64 << 10 };

/* openapi.yaml describes the same set; tests/unit/test_routes.c compares both ways. */
const struct api_route api_routes[] = {
    {"POST", "/v1/inspections", API_OPEN, API_ROLE_CAMERA, API_ASYNC, SIZE_MAX, api_inspections_accept, NULL,
     api_inspections_post},
    {"GET", "/v1/inspections", API_OPEN, VIEWERS, API_WORK, 0, NULL, api_export_before, api_inspections_list},
    {"GET", "/v1/inspections/{id}", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_inspection_get},
    {"GET", "/v1/inspections/{id}/image", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_inspection_image},
    {"GET", "/v1/inspections/{id}/heatmap.png", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL,
     api_inspection_heatmap},
    {"PUT", "/v1/inspections/{id}/label", API_OPEN, API_ROLE_OPERATOR, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_label_put},
    {"GET", "/v1/statistics", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_statistics_get},
    {"GET", "/v1/products", API_OPEN, VIEWERS, API_WORK, 0, NULL, api_products_before, api_products_list},
    {"GET", "/v1/products/{product}", API_OPEN, VIEWERS, API_WORK, 0, NULL, api_products_before, api_product_get},
    {"GET", "/v1/products/{product}/models", API_OPEN, VIEWERS, API_WORK, 0, NULL, api_products_before,
     api_models_list},
    {"GET", "/v1/products/{product}/models/{version}", API_OPEN, VIEWERS, API_WORK, 0, NULL, api_products_before,
     api_model_get},
    {"POST", "/v1/admin/products/{product}/train", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_job_train},
    {"POST", "/v1/admin/products/{product}/cross-validate", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_job_cross_validate},
    {"POST", "/v1/admin/products/{product}/evaluate", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_job_evaluate},
    {"GET", "/v1/admin/products/{product}/dataset", API_ALWAYS, 0, API_WORK, 0, NULL, NULL, api_dataset_list},
    {"POST", "/v1/admin/products/{product}/dataset/from-labels", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL,
     NULL, api_dataset_from_labels},
    {"PUT", "/v1/admin/products/{product}/dataset/{split*}/{class*}/{name...}", API_ALWAYS, 0, API_WORK, SIZE_MAX,
     api_dataset_accept, NULL, api_dataset_put},
    {"GET", "/v1/admin/products/{product}/dataset/{split*}/{class*}/{name...}", API_ALWAYS, 0, API_WORK, 0, NULL,
     NULL, api_dataset_get},
    {"DELETE", "/v1/admin/products/{product}/dataset/{split*}/{class*}/{name...}", API_ALWAYS, 0, API_WORK, 0,
     NULL, NULL, api_dataset_delete},
    {"GET", "/v1/jobs", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_jobs_list},
    {"GET", "/v1/jobs/{id}", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_job_get},
    {"GET", "/v1/jobs/{id}/report.html", API_OPEN, VIEWERS, API_WORK, 0, NULL, NULL, api_job_report},
    {"DELETE", "/v1/admin/jobs/{id}", API_ALWAYS, 0, API_WORK, 0, NULL, NULL, api_job_cancel},
    {"POST", "/v1/admin/products/{product}/models/{version}/activate", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX,
     NULL, NULL, api_model_activate},
    {"POST", "/v1/admin/products/{product}/rollback", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_model_rollback},
    {"POST", "/v1/admin/products/{product}/models/{version}/rollback", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX,
     NULL, NULL, api_model_rollback},
    {"PATCH", "/v1/admin/products/{product}/models/{version}", API_ALWAYS, 0, API_WORK, JSON_BYTES_MAX, NULL, NULL,
     api_model_patch},
    {"DELETE", "/v1/admin/products/{product}/models/{version}", API_ALWAYS, 0, API_WORK, 0, NULL, NULL,
     api_model_delete},
    {"GET", "/v1/events", API_OPEN, VIEWERS, API_ASYNC, 0, NULL, NULL, api_events_get},
    {"GET", "/metrics", API_OPEN, VIEWERS, API_LOOP, 0, NULL, NULL, api_metrics_get},
    {"GET", "/healthz", API_PUBLIC, 0, API_LOOP, 0, NULL, NULL, api_healthz},
    {"GET", "/readyz", API_PUBLIC, 0, API_LOOP, 0, NULL, NULL, api_readyz},
    {"GET", "/openapi.yaml", API_PUBLIC, 0, API_LOOP, 0, NULL, NULL, api_asset_get},
    {"GET", "/", API_PUBLIC, 0, API_LOOP, 0, NULL, NULL, api_asset_get},
    {"GET", "/dashboard/{file}", API_PUBLIC, 0, API_LOOP, 0, NULL, NULL, api_asset_get},
};
const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
