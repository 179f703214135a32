#include "api/inspections/inspection_json.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/dataset/class_name.h"

#include <string.h>

enum { NOTE_BYTES_MAX = 2000 };

struct word {
    enum insp_label label;
    const char *defect, *note;
};

static int check_word(const char *label, const char *defect, const char *note, struct word *ret,
                      struct insp_error *reterr) {
    if (!strcmp(label, "good"))
        ret->label = INSP_LABEL_GOOD;
    else if (!strcmp(label, "anomaly"))
        ret->label = INSP_LABEL_ANOMALY;
    else
        return insp_fail(reterr, INSP_E_PARAMETER, "\"label\" is \"good\" or \"anomaly\"");
    if (defect && ret->label == INSP_LABEL_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" goes with label \"anomaly\" only");
    if (defect && !insp_class_name_valid(defect))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" is " INSP_CLASS_NAME_RULE);
    if (defect && insp_class_name_good(defect))
        return insp_fail(reterr, INSP_E_PARAMETER, "no defect is named \"%s\": a dataset's good parts are",
                         defect);
    if (note && strlen(note) > NOTE_BYTES_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"note\" has at most %d bytes", NOTE_BYTES_MAX);
    ret->defect = defect ? defect : "";
    ret->note = note ? note : "";
    return 0;
}

/* A text or nothing: null means that it is not given. */
static int read_text(const json_t *value, const char *name, const char **ret, struct insp_error *reterr) {
    *ret = json_string_value(value);
    if (!*ret && value && !json_is_null(value))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" is a text", name);
    return 0;
}

/* *ret borrows from json. */
static int read_word(json_t *json, struct word *ret, struct insp_error *reterr) {
    json_t *given, *defect_value = NULL, *note_value = NULL;
    const char *label, *defect, *note;
    json_error_t why;
    if (json_unpack_ex(json, &why, JSON_STRICT, "{s:o,s?o,s?o}", "label", &given, "defect", &defect_value, "note",
                       &note_value))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "want {\"label\": \"good\"|\"anomaly\"|null, \"defect\"?, \"note\"?}: %s", why.text);
    int code = read_text(given, "label", &label, reterr);
    if (!code)
        code = read_text(defect_value, "defect", &defect, reterr);
    if (!code)
        code = read_text(note_value, "note", &note, reterr);
    if (code)
        return code;
    if (label)
        return check_word(label, defect, note, ret, reterr);
    if (defect || note)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"defect\" and \"note\" go with a label");
    *ret = (struct word){.label = INSP_LABEL_NONE, .defect = "", .note = ""};
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
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "an inspection's id is a UUID in lower case");
    return code;
}

static int say(struct api_request *request, const struct word *word, struct insp_error *reterr) {
    struct insp_store *store = request->server->config.store;
    const char *id = request->param[0];
    json_t *answer = NULL;
    int code = insp_store_label(store, id, word->label, word->defect, word->note, request->principal, reterr);
    if (!code)
        code = insp_store_get(store, id, keep_json, &answer, reterr);
    return code ? code : api_response_json(&request->response, 200, answer, reterr);
}

int api_label_put(struct api_request *request, struct insp_error *reterr) {
    struct word word;
    json_t *json;
    int code = check_call(request, reterr);
    if (!code && !request->body_bytes)
        code = insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; it is {\"label\": \"good\"} or the like");
    if (code)
        return code;
    code = api_request_json(request, "label", &json, reterr);
    if (code)
        return code;
    code = read_word(json, &word, reterr);
    if (!code)
        code = say(request, &word, reterr);
    json_decref(json);
    return code;
}

int api_label_delete(struct api_request *request, struct insp_error *reterr) {
    static const struct word none = {.label = INSP_LABEL_NONE, .defect = "", .note = ""};
    int code = check_call(request, reterr);
    return code ? code : say(request, &none, reterr);
}
