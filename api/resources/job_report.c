/* GET /v1/jobs/{id}/report.html: renders the result of a job as an HTML page. */
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "core/base/fs.h"
#include "core/jobs/dataset_root.h"
#include "core/jobs/jobs.h"
#include "core/report/lookup.h"
#include "core/report/report_html.h"

#include <string.h>

/* The page itself holds a policy too, for saved copies. */
static const char policy[] =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

static int make_page(const struct api_request *request, const json_t *job, char **ret_html, size_t *ret_bytes,
                     struct insp_error *reterr) {
    char root[INSP_PATH_BYTES], subtitle[160];
    /* If the dataset is gone or no longer allowed, the page has notes in place of its pictures. */
    bool there = insp_dataset_resolve(request->server->config.dataset_roots,
                                      insp_lookup_text(job, "params.dataset"), root, NULL) == 0;
    snprintf(subtitle, sizeof subtitle, "Job %.36s, finished %.19sZ", insp_lookup_text(job, "id"),
             insp_lookup_text(job, "finished_at"));
    const struct insp_report_source source = {
        .dataset_root = there ? root : NULL, .limits = api_server_image_limits(request), .subtitle = subtitle};
    return insp_report_html(insp_lookup(job, "result"), &source, ret_html, ret_bytes, reterr);
}

int api_job_report(struct api_request *request, struct insp_error *reterr) {
    static const char *const allowed[] = {NULL};
    json_t *job = NULL;
    char *html;
    size_t bytes;
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r == 0)
        r = insp_jobs_get(request->server->jobs, request->param[0], &job, reterr);
    if (r < 0)
        return r;
    if (!json_is_object(insp_lookup(job, "result")))
        r = insp_fail(reterr, INSP_E_CONFLICT, "job %s has no report: it is %s", request->param[0],
                      insp_lookup_text(job, "state"));
    enum insp_job_kind kind;
    if (r == 0 && insp_job_kind_parse(insp_lookup_text(job, "kind"), &kind) && insp_job_of_trunk(kind))
        r = insp_fail(reterr, INSP_E_CONFLICT, "job %s installed a trunk: it has no report", request->param[0]);
    if (r == 0)
        r = make_page(request, job, &html, &bytes, reterr);
    json_decref(job);
    if (r < 0)
        return r;
    api_response_take(&request->response, 200, html, bytes, "text/html; charset=utf-8");
    api_response_header(&request->response, "Content-Security-Policy", "%s", policy);
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}
