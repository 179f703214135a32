#include "api/kserve/kserve_json.h"

#include "core/base/cleanup.h"

#include <stdint.h>
#include <string.h>

enum { ROOT = 1, INPUTS = 2, INPUT = 3 }; /* depths: {"inputs": [{"data": ...}]} */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(const char *text, size_t bytes, size_t at) {
    while (at < bytes && is_blank(text[at]))
        at++;
    return at;
}

/* Returns the place behind the string that begins at `at`; `bytes` if it does not end. */
static size_t skip_string(const char *text, size_t bytes, size_t at) {
    for (at++; at < bytes && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at < bytes ? at + 1 : bytes;
}

/* Returns the place behind the value that begins at `at`. Brackets are counted, not matched: the reader of the
 * value and jansson judge it. */
static size_t skip_value(const char *text, size_t bytes, size_t at) {
    size_t depth = 0;
    while (at < bytes) {
        char c = text[at];
        if (c == '"') {
            at = skip_string(text, bytes, at);
        } else if (c == '[' || c == '{') {
            depth++;
            at++;
        } else if (c == ']' || c == '}') {
            if (!depth)
                return at;
            depth--;
            at++;
        } else if (!depth && (c == ',' || is_blank(c))) {
            return at;
        } else {
            at++;
            continue; /* inside a number or a literal */
        }
        if (!depth)
            return at;
    }
    return bytes;
}

struct walk {
    const char *text;
    size_t bytes, at;
    unsigned depth;
    bool in_inputs, in_list, in_input; /* under the key "inputs"; the value there is a list; of an object */
};

static bool key_is(const struct walk *walk, size_t begin, size_t end, const char *name) {
    size_t length = strlen(name);
    return end - begin == length + 2 && !memcmp(walk->text + begin + 1, name, length);
}

static void enter(struct walk *walk, char bracket) {
    walk->depth++;
    if (walk->depth == INPUTS)
        walk->in_list = bracket == '[';
    if (walk->depth == INPUT)
        walk->in_input = bracket == '{';
}

/* Moves on to the next value of a key `data` in a member of `inputs`. Returns false at the end of the text. */
static bool find_data(struct walk *walk, struct api_span *ret) {
    while (walk->at < walk->bytes) {
        char c = walk->text[walk->at];
        if (c != '"') {
            if (c == '[' || c == '{')
                enter(walk, c);
            else if ((c == ']' || c == '}') && walk->depth)
                walk->depth--;
            walk->at++;
            continue;
        }
        size_t begin = walk->at, end = skip_string(walk->text, walk->bytes, begin);
        size_t colon = skip_blanks(walk->text, walk->bytes, end);
        walk->at = end;
        if (colon >= walk->bytes || walk->text[colon] != ':')
            continue; /* a value */
        walk->at = colon + 1;
        if (walk->depth == ROOT)
            walk->in_inputs = key_is(walk, begin, end, "inputs");
        if (walk->depth != INPUT || !walk->in_inputs || !walk->in_list || !walk->in_input ||
            !key_is(walk, begin, end, "data"))
            continue;
        size_t value = skip_blanks(walk->text, walk->bytes, colon + 1);
        walk->at = skip_value(walk->text, walk->bytes, value);
        *ret = (struct api_span){walk->text + value, walk->at - value};
        return true;
    }
    return false;
}

int api_kserve_parse(const char *text, size_t bytes, json_t **ret, struct api_span *ret_data,
                     struct insp_error *reterr) {
    static const char null[] = "null";
    struct walk walk = {.text = text, .bytes = bytes};
    struct api_span data = {0}, second;
    if (find_data(&walk, &data) && find_data(&walk, &second))
        return insp_fail(reterr, INSP_E_PARAMETER, "one input, \"image\", is expected");
    if (data.bytes == sizeof null - 1 && !memcmp(data.at, null, data.bytes))
        data = (struct api_span){0}; /* as if it were absent */
    size_t cut = data.at ? (size_t)(data.at - text) : bytes, rest = bytes - data.bytes;
    if (rest > API_KSERVE_JSON_BYTES_MAX)
        return insp_fail(reterr, INSP_E_TOO_LARGE,
                         "the JSON without the tensor's data has %zu bytes; at most %d are read", rest,
                         API_KSERVE_JSON_BYTES_MAX);
    _cleanup_free_ char *shell = malloc(rest + sizeof null);
    if (!shell)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the JSON");
    memcpy(shell, text, cut);
    if (data.at) {
        memcpy(shell + cut, null, sizeof null - 1);
        memcpy(shell + cut + sizeof null - 1, data.at + data.bytes, rest - cut);
        rest += sizeof null - 1;
    }
    json_error_t why;
    json_t *json = json_loadb(shell, rest, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return insp_fail(reterr, INSP_E_REQUEST, "the request is not JSON: line %d column %d: %s", why.line,
                         why.column, why.text);
    *ret = json;
    *ret_data = data;
    return 0;
}

/* --- the values of data --- */

static int malformed(struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_REQUEST, "\"data\" is not an array of strings or numbers");
}

static void advance(struct api_span *span, size_t bytes) {
    span->at += bytes;
    span->bytes -= bytes;
}

static int take_value(struct api_kserve_values *values, struct api_span *ret, struct insp_error *reterr) {
    struct api_span *rest = &values->rest;
    size_t length = skip_value(rest->at, rest->bytes, 0);
    bool whole = rest->at[0] != '"' || (length > 1 && rest->at[length - 1] == '"');
    if (!values->value_due || !values->depth || !length || !whole)
        return malformed(reterr);
    *ret = (struct api_span){rest->at, length};
    advance(rest, length);
    values->value_due = false;
    values->value_read = true;
    return 1;
}

int api_kserve_next(struct api_kserve_values *values, struct api_span *ret, struct insp_error *reterr) {
    struct api_span *rest = &values->rest;
    for (;;) {
        advance(rest, skip_blanks(rest->at, rest->bytes, 0));
        if (!rest->bytes)
            return values->begun && !values->depth ? 0 : malformed(reterr);
        char c = rest->at[0];
        if (c == '[') {
            if ((values->begun && !values->value_due) || values->depth == API_KSERVE_DEPTH_MAX ||
                (values->begun && !values->depth))
                return malformed(reterr);
            values->begun = values->value_due = true;
            values->value_read = false;
            values->depth++;
        } else if (c == ']') {
            if (!values->depth || (values->value_due && values->value_read))
                return malformed(reterr); /* behind a comma */
            values->depth--;
            values->value_due = false;
            values->value_read = true;
        } else if (c == ',') {
            if (!values->depth || values->value_due)
                return malformed(reterr);
            values->value_due = values->value_read = true;
        } else {
            return take_value(values, ret, reterr);
        }
        advance(rest, 1);
    }
}
