#include "api/inspections/labels.h"

#include "api/inspections/inspection_json.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/dataset/class_name.h"

#include <string.h>

enum { NOTE_BYTES_MAX = 2000 };

static int check_label(const char *label, const char *defect, const char *note, struct api_new_label *ret,
                       struct insp_error *reterr) {
    if (!strcmp(label, "good"))
        ret->label = INSP_LABEL_GOOD;
    else if (!strcmp(label, "anomaly"))
        ret->label = INSP_LABEL_ANOMALY;
    else
        return insp_fail(reterr, INSP_E_PARAMETER, "\"label\" must be \"good\" or \"anomaly\"");
    if (defect && ret->label == INSP_LABEL_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" is allowed with the label \"anomaly\" only");
    if (defect && !insp_class_name_valid(defect))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" must be " INSP_CLASS_NAME_RULE);
    if (defect && insp_class_name_good(defect))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "a defect cannot be named \"%s\": datasets use this name for good parts", defect);
    if (note && strlen(note) > NOTE_BYTES_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"note\" may have at most %d bytes", NOTE_BYTES_MAX);
    ret->defect = defect ? defect : "";
    ret->note = note ? note : "";
    return 0;
}

/* Reads a string; *ret is NULL if the member is null or missing. */
static int read_text(const json_t *value, const char *name, const char **ret, struct insp_error *reterr) {
    *ret = json_string_value(value);
    if (!*ret && value && !json_is_null(value))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" must be a string", name);
    return 0;
}

int api_label_read(json_t *json, struct api_new_label *ret, struct insp_error *reterr) {
    json_t *given, *defect_value = NULL, *note_value = NULL;
    const char *label, *defect, *note;
    json_error_t why;
    if (json_unpack_ex(json, &why, JSON_STRICT, "{s:o,s?o,s?o}", "label", &given, "defect", &defect_value, "note",
                       &note_value))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the body must be {\"label\": \"good\"|\"anomaly\"|null, \"defect\"?, \"note\"?}: %s",
                         why.text);
    int code = read_text(given, "label", &label, reterr);
    if (!code)
        code = read_text(defect_value, "defect", &defect, reterr);
    if (!code)
        code = read_text(note_value, "note", &note, reterr);
    if (code)
        return code;
    if (label)
        return check_label(label, defect, note, ret, reterr);
    if (defect || note)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" and \"note\" need a label");
    *ret = (struct api_new_label){.label = INSP_LABEL_NONE, .defect = "", .note = ""};
    return 0;
}

static int keep_json(void *arg, const struct insp_record *record) {
    json_t **ret = arg;
    *ret = api_inspection_json(record);
    return 0;
}

static int check_call(const struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !insp_uuid_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "the id of an inspection is a UUID in lower case");
    return code;
}

static int store_label(struct api_request *request, const struct api_new_label *label, struct insp_error *reterr) {
    struct insp_store *store = request->server->config.store;
    const char *id = request->param[0];
    json_t *answer = NULL;
    int code = insp_store_label(store, id, label->label, label->defect, label->note, request->principal, reterr);
    if (!code)
        code = insp_store_get(store, id, keep_json, &answer, reterr);
    return code ? code : api_response_json(&request->response, 200, answer, reterr);
}

int api_label_put(struct api_request *request, struct insp_error *reterr) {
    struct api_new_label label;
    json_t *json;
    int code = check_call(request, reterr);
    if (!code && !request->body_bytes)
        code = insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send {\"label\": \"good\"}, for example");
    if (code)
        return code;
    code = api_request_json(request, "label", &json, reterr);
    if (code)
        return code;
    code = api_label_read(json, &label, reterr);
    if (!code)
        code = store_label(request, &label, reterr);
    json_decref(json);
    return code;
}

int api_label_delete(struct api_request *request, struct insp_error *reterr) {
    static const struct api_new_label none = {.label = INSP_LABEL_NONE, .defect = "", .note = ""};
    int code = check_call(request, reterr);
    return code ? code : store_label(request, &none, reterr);
}
