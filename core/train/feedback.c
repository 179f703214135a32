#include "core/train/feedback.h"

#include <string.h>

enum { KEY_BYTES = 41 }; /* from-labels names its files by the first 40 digits of the hash */
typedef char key[KEY_BYTES];

void insp_feedback_clear(struct insp_feedback *feedback) {
    for (size_t i = 0; i < feedback->count; i++)
        free(feedback->item[i].path);
    free(feedback->item);
    *feedback = (struct insp_feedback){0};
}

bool insp_feedback_wrong(enum insp_verdict verdict, uint8_t label) {
    return verdict == (label == INSP_CLASS_ANOMALY ? INSP_VERDICT_GOOD : INSP_VERDICT_ANOMALY);
}

/* --- training images --- */

struct trained {
    key *key; /* owned, sorted */
    size_t count;
};

static int by_key(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Extracts the hash from a file name that from-labels has given. Needed for raw frames: from-labels stores them as
 * PNG, so the hash of the file differs from that of the posted bytes. Returns false for other names. */
static bool key_of_name(const char *path, key ret) {
    const char *name = strrchr(path, '/') + 1;
    if (strspn(name, "0123456789abcdef") != KEY_BYTES - 1 || name[KEY_BYTES - 1] != '.')
        return false;
    snprintf(ret, KEY_BYTES, "%s", name);
    return true;
}

static int list_trained(const struct insp_feedback_config *c, struct trained *ret, struct insp_error *reterr) {
    ret->key = calloc(2 * c->trained_count + 1, sizeof *ret->key);
    if (!ret->key)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", c->trained_count);
    for (size_t i = 0; i < c->trained_count; i++) {
        const struct insp_dataset_item *item = &c->data->set.dataset->item[c->data->set.item[c->trained[i]]];
        snprintf(ret->key[ret->count++], KEY_BYTES, "%s", item->sha256);
        ret->count += key_of_name(item->path, ret->key[ret->count]);
    }
    qsort(ret->key, ret->count, sizeof *ret->key, by_key);
    return 0;
}

static bool was_trained(const struct trained *trained, const char *sha256) {
    key wanted;
    snprintf(wanted, sizeof wanted, "%s", sha256);
    return bsearch(wanted, trained->key, trained->count, sizeof *trained->key, by_key) != NULL;
}

/* --- scoring --- */

/* A labelled image with the model's verdict. */
struct judged {
    const struct insp_feedback_item *item;
    float probability;
    bool anomaly, wrong, wrong_before, trained;
};

struct judgement {
    struct judged *judged; /* owned; [count] */
    size_t count, unreadable, trunk_runs;
};

static int score(const struct insp_feedback_config *c, struct insp_dataset *asked,
                 const struct insp_progress *progress, struct judgement *ret, struct insp_error *reterr) {
    const struct insp_feedback *feedback = c->context->feedback;
    size_t n = feedback->count;
    _cleanup_free_ bool *skipped = calloc(n + 1, sizeof *skipped);
    _cleanup_free_ size_t *readable = calloc(n + 1, sizeof *readable), *all = calloc(n + 1, sizeof *all);
    _cleanup_free_ float *probability = calloc(n + 1, sizeof *probability);
    const struct insp_progress features = insp_progress_part(progress, 0, 0.8),
                               scoring = insp_progress_part(progress, 0.8, 1);
    if (!skipped || !readable || !all || !probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu labelled images", n);
    int r = 0;
    if (c->data->cache) /* else the scorer reads the images */
        r = insp_feature_cache_fill(c->data->cache, c->context->trunk, asked, &features, skipped, true,
                                    &ret->trunk_runs, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        all[i] = i;
        if (!skipped[i])
            readable[ret->count++] = i;
    }
    ret->unreadable = n - ret->count;
    struct insp_train_data view = {.set = {.dataset = asked, .count = ret->count, .item = readable},
                                   .cache = c->data->cache,
                                   .tiles = c->data->tiles,
                                   .fields = c->data->fields};
    r = c->scorer(c->arg, &view, all, ret->count, &scoring, probability, reterr);
    for (size_t i = 0; i < ret->count && r == 0; i++)
        ret->judged[i] = (struct judged){.item = &feedback->item[readable[i]], .probability = probability[i]};
    return r;
}

/* Builds a dataset of the labelled images, which borrows their paths, and scores it. */
static int ask(const struct insp_feedback_config *c, const struct insp_progress *progress, struct judgement *ret,
               struct insp_error *reterr) {
    const struct insp_feedback *feedback = c->context->feedback;
    _cleanup_free_ struct insp_dataset_item *item = calloc(feedback->count + 1, sizeof *item);
    ret->judged = calloc(feedback->count + 1, sizeof *ret->judged);
    if (!item || !ret->judged)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu labelled images", feedback->count);
    for (size_t i = 0; i < feedback->count; i++) {
        item[i].path = feedback->item[i].path;
        item[i].type = feedback->item[i].type;
        item[i].camera = feedback->item[i].camera;
        memcpy(item[i].sha256, feedback->item[i].sha256, sizeof item[i].sha256);
    }
    struct insp_dataset asked = {.root = c->data->set.dataset->root, .count = feedback->count, .item = item};
    return score(c, &asked, progress, ret, reterr);
}

static void judge(const struct insp_feedback_config *c, const struct trained *trained,
                  struct judgement *judgement) {
    for (size_t i = 0; i < judgement->count; i++) {
        struct judged *j = &judgement->judged[i];
        j->anomaly = j->probability >= c->threshold;
        j->wrong = insp_feedback_wrong(j->anomaly ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD, j->item->label);
        j->wrong_before = insp_feedback_wrong(j->item->verdict, j->item->label);
        j->trained = was_trained(trained, j->item->sha256);
    }
}

/* --- the report --- */

/* Counts all images, or with `unseen_only` the images that the model was not trained on. */
static json_t *figures(const struct judgement *judgement, bool unseen_only) {
    json_int_t labelled = 0, missed = 0, alarms = 0, right = 0, still = 0, newly = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct judged *j = &judgement->judged[i];
        if (unseen_only && j->trained)
            continue;
        labelled++;
        missed += j->wrong_before && j->item->label == INSP_CLASS_ANOMALY;
        alarms += j->wrong_before && j->item->label == INSP_CLASS_GOOD;
        right += j->wrong_before && !j->wrong;
        still += j->wrong_before && j->wrong;
        newly += !j->wrong_before && j->wrong;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "labelled", labelled, "missed_before", missed,
                     "false_alarms_before", alarms, "now_right", right, "still_wrong", still, "newly_wrong",
                     newly);
}

static int rank(const struct judged *j) {
    return j->wrong && !j->wrong_before ? 0 : j->wrong ? 1 : 2;
}

/* Sorts newly wrong images first, then still wrong, then corrected ones; within each, the newest label first. */
static int by_concern(const void *a, const void *b) {
    const struct judged *x = a, *y = b;
    if (rank(x) != rank(y))
        return rank(x) - rank(y);
    if (x->item->labelled_us != y->item->labelled_us)
        return x->item->labelled_us < y->item->labelled_us ? 1 : -1;
    return strcmp(x->item->id, y->item->id);
}

static json_t *item_json(const struct insp_feedback_config *c, const struct judged *j) {
    const struct insp_feedback_item *item = j->item;
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:f, s:s, s:f, s:o}", "id", item->id, "label",
                     item->label == INSP_CLASS_ANOMALY ? "anomaly" : "good", "defect",
                     *item->defect ? item->defect : NULL, "model", item->model, "verdict_before",
                     insp_verdict_name(item->verdict), "probability_before", (double)item->probability,
                     "verdict_now", insp_verdict_name(j->anomaly ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD),
                     "probability_now", (double)j->probability, "in_training",
                     c->trained_known ? json_boolean(j->trained) : json_null());
}

static json_t *items_json(const struct insp_feedback_config *c, struct judgement *judgement) {
    json_t *items = json_array();
    qsort(judgement->judged, judgement->count, sizeof *judgement->judged, by_concern);
    for (size_t i = 0; items && i < judgement->count && json_array_size(items) < INSP_FEEDBACK_ITEMS; i++) {
        const struct judged *j = &judgement->judged[i];
        if ((j->wrong || j->wrong_before) && json_array_append_new(items, item_json(c, j)) < 0) {
            json_decref(items);
            return NULL;
        }
    }
    return items;
}

static int report(const struct insp_feedback_config *c, struct judgement *judgement, json_t **ret,
                  struct insp_error *reterr) {
    json_t *json = figures(judgement, false);
    json_t *more = json_pack(
        "{s:I, s:I, s:I, s:o, s:o}", "left_out", (json_int_t)c->context->feedback->left_out, "unreadable",
        (json_int_t)judgement->unreadable, "trunk_runs", (json_int_t)judgement->trunk_runs, "unseen",
        c->trained_known ? figures(judgement, true) : json_null(), "items", items_json(c, judgement));
    int failed = !json || !more || json_object_update(json, more) < 0;
    json_decref(more);
    if (failed) {
        json_decref(json);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report on labelled images");
    }
    *ret = json;
    return 0;
}

int insp_feedback_report(const struct insp_feedback_config *config, const struct insp_progress *progress,
                         json_t **ret, struct insp_error *reterr) {
    struct judgement judgement = {0};
    struct trained trained = {0};
    insp_progress_stage(progress, "labelled inspections");
    int r = list_trained(config, &trained, reterr);
    if (r == 0)
        r = ask(config, progress, &judgement, reterr);
    if (r == 0) {
        judge(config, &trained, &judgement);
        r = report(config, &judgement, ret, reterr);
    }
    free(trained.key);
    free(judgement.judged);
    return r;
}

int insp_feedback_report_or_null(const struct insp_feedback_config *config, const struct insp_progress *progress,
                                 json_t **ret, struct insp_error *reterr) {
    struct insp_error why = {0};
    *ret = NULL;
    if (!config->context->feedback || !config->context->feedback->count)
        return 0;
    int r = insp_feedback_report(config, progress, ret, &why);
    if (r == INSP_E_CANCELLED || r == INSP_E_NOMEM)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0)
        insp_progress_log(progress, "labelled inspections were not evaluated: %s", why.detail);
    return 0;
}
