#include "api/http/response.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/sources/folder.h"
#include "api/sources/folder_state.h"

static json_t *error_json(const struct insp_sink *condition) {
    if (!condition->error_us)
        return json_null();
    return json_pack("{s:o,s:s}", "at", api_json_time(condition->error_us), "detail", condition->error);
}

static const char *state_of(const struct api_folder *folder) {
    return folder->condition.state == INSP_SINK_CONNECTED ? "watching" : "away";
}

json_t *api_sources_json(const struct api_folder *folder) {
    json_t *items = json_array();
    if (folder)
        json_array_append_new(items, json_pack("{s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "name", "folder",
                                               "pattern", folder->pattern, "state", state_of(folder), "since",
                                               api_json_time(folder->condition.since_us), "waiting",
                                               (json_int_t)folder->waiting, "in_flight", (json_int_t)folder->out,
                                               "inspected", (json_int_t)folder->inspected, "failed",
                                               (json_int_t)folder->failed, "ignored", (json_int_t)folder->ignored,
                                               "errors", (json_int_t)folder->condition.errors, "last_error",
                                               error_json(&folder->condition)));
    return json_pack("{s:o}", "items", items);
}

void api_sources_metrics(const struct api_folder *folder, FILE *out) {
    const struct {
        const char *name, *type, *help;
        double value;
    } row[] = {
        {"inspectd_source_up", "gauge", "1 while the source of files can be read.",
         folder ? folder->condition.state == INSP_SINK_CONNECTED : 0},
        {"inspectd_source_waiting", "gauge", "Files that wait for their inspection, as far as they are known.",
         folder ? (double)folder->waiting : 0},
        {"inspectd_source_in_flight", "gauge", "Files that are being inspected.", folder ? folder->out : 0},
        {"inspectd_source_ignored", "gauge", "Files whose path does not fit the pattern.",
         folder ? (double)folder->ignored : 0},
        {"inspectd_source_inspected_total", "counter", "Files that were inspected.",
         folder ? (double)folder->inspected : 0},
        {"inspectd_source_failed_total", "counter", "Files that could not be inspected, and were moved aside.",
         folder ? (double)folder->failed : 0},
        {"inspectd_source_errors_total", "counter", "Failures to read or change the source.",
         folder ? (double)folder->condition.errors : 0},
    };
    for (size_t i = 0; i < INSP_COUNT(row); i++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row[i].name, row[i].help, row[i].name, row[i].type);
        if (folder)
            fprintf(out, "%s{source=\"folder\"} %.17g\n", row[i].name, row[i].value);
    }
}

int api_sources_list(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    int code = api_query_allow(&request->query, known, reterr);
    if (code)
        return code;
    json_t *json = api_sources_json(request->server->folder);
    api_hide_json(&request->server->hidden, json);
    return api_response_json(&request->response, 200, json, reterr);
}
