#include "core/serving/shadow.h"

#include "core/base/clock.h"
#include "core/base/fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096, FILE_MODE = 0644 };
static const json_int_t most = 1000000000;

static int get_count(const json_t *object, const char *key, json_int_t least, int code, uint64_t *ret,
                     struct insp_error *reterr) {
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < least || number > most)
        return insp_fail(reterr, code, "rule.%s must be a whole number from %lld to %lld", key, (long long)least,
                         (long long)most);
    *ret = (uint64_t)number;
    return 0;
}

int insp_shadow_rule_parse(const json_t *object, int code, struct insp_shadow_rule *ret,
                           struct insp_error *reterr) {
    static const char *const known[] = {"parts", "max_disagreements", "max_missed"};
    struct insp_shadow_rule rule = {.on = true};
    if (!object || json_is_null(object)) {
        *ret = (struct insp_shadow_rule){0};
        return 0;
    }
    if (!json_is_object(object))
        return insp_fail(reterr, code, "rule must be an object or null");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        bool found = false;
        for (size_t i = 0; i < INSP_COUNT(known); i++)
            found = found || !strcmp(key, known[i]);
        if (!found)
            return insp_fail(reterr, code,
                             "rule.%.40s is unknown: a rule has parts, max_disagreements and max_missed", key);
    }
    int r = get_count(object, "parts", 1, code, &rule.parts, reterr);
    if (r == 0)
        r = get_count(object, "max_disagreements", 0, code, &rule.max_disagreements, reterr);
    if (r == 0)
        r = get_count(object, "max_missed", 0, code, &rule.max_missed, reterr);
    if (r == 0)
        *ret = rule;
    return r;
}

json_t *insp_shadow_rule_json(const struct insp_shadow_rule *rule) {
    return rule->on ? json_pack("{s:I, s:I, s:I}", "parts", (json_int_t)rule->parts, "max_disagreements",
                                (json_int_t)rule->max_disagreements, "max_missed", (json_int_t)rule->max_missed)
                    : json_null();
}

enum insp_shadow_decision insp_shadow_decide(const struct insp_shadow_rule *rule,
                                             const struct insp_shadow_counts *counts) {
    if (!rule->on || counts->outcome != INSP_SHADOW_OPEN || counts->parts < rule->parts)
        return INSP_SHADOW_WAIT;
    /* Nobody knows what the shadow would have said: the worst counts. */
    const uint64_t unknown = counts->failed + counts->lost;
    return counts->parts - counts->agree + unknown <= rule->max_disagreements &&
                   counts->missed + unknown <= rule->max_missed
               ? INSP_SHADOW_PROMOTE
               : INSP_SHADOW_STAY;
}

static int path_of(const char *state_dir, const char *product, char *ret, struct insp_error *reterr) {
    if (!insp_name_valid(product))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no product '%.64s'", product);
    return insp_path(ret, reterr, "%s/models/%s/shadow.json", state_dir, product);
}

static int damaged(const char *path, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_MODEL, "%s is damaged: end the shadow and begin it again", path);
}

static int parse(const char *path, const char *text, size_t bytes, struct insp_shadow_choice *ret,
                 struct insp_error *reterr) {
    struct insp_shadow_choice choice = {0};
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    const char *version = json_string_value(json_object_get(root, "version"));
    const char *since = json_string_value(json_object_get(root, "since"));
    const char *by = json_string_value(json_object_get(root, "by"));
    int r = version && insp_name_valid(version) && since && insp_rfc3339_parse(since, &choice.since_us) && by
                ? insp_shadow_rule_parse(json_object_get(root, "rule"), INSP_E_MODEL, &choice.rule, reterr)
                : damaged(path, reterr);
    if (r == 0) {
        snprintf(choice.version, sizeof choice.version, "%s", version);
        snprintf(choice.by, sizeof choice.by, "%s", by);
        *ret = choice;
    }
    json_decref(root);
    return r;
}

int insp_shadow_read(const char *state_dir, const char *product, struct insp_shadow_choice *ret,
                     struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = path_of(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    *ret = (struct insp_shadow_choice){0};
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    r = insp_read_file(path, FILE_BYTES_MAX, &text, &bytes, reterr);
    return r < 0 ? r : parse(path, text, bytes, ret, reterr);
}

int insp_shadow_write(const char *state_dir, const char *product, const struct insp_shadow_choice *choice,
                      struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], since[INSP_RFC3339_BYTES];
    int r = path_of(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (!*choice->version)
        return unlink(path) == 0 || errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot remove %s", path);
    insp_rfc3339(choice->since_us, since);
    json_t *root = json_pack("{s:s, s:s, s:s, s:o}", "version", choice->version, "since", since, "by", choice->by,
                             "rule", insp_shadow_rule_json(&choice->rule));
    _cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %s", path);
    return insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}
