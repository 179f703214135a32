#include "api/shadow/shadow.h"

#include "api/server/server.h"
#include "api/server/stop.h"
#include "api/shadow/shadow_state.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

int api_shadow_new(struct api_server *server, struct api_shadow **ret, struct insp_error *reterr) {
    struct api_shadow *shadow = calloc(1, sizeof *shadow);
    if (!shadow)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the shadows");
    shadow->server = server;
    shadow->timer = &server->shadow_group;
    *ret = shadow;
    return 0;
}

/* --- counting, in lane BACK: one run at a time --- */

/* Notes parts of a run that are counted nowhere. Its rule must know. */
static void lose(struct api_shadow *shadow, const struct api_shadow_part *part, uint64_t count) {
    struct api_shadow_known *known = api_shadow_known_of(shadow, part->product, part->version, part->since_us);
    if (known)
        known->lost += count;
    else
        shadow->lost_unknown = true;
}

/* Acts by the rule of the run that was counted. */
static void decide(struct api_shadow *shadow) {
    const struct insp_changer changer = {.state_dir = shadow->server->state_dir,
                                         .store = shadow->server->config.store,
                                         .who = "rule",
                                         .shadow_since_us = shadow->choice.since_us};
    const struct insp_shadow_run run = insp_shadow_run_of(shadow->product, &shadow->choice);
    enum insp_shadow_outcome outcome = INSP_SHADOW_STAYS;
    struct insp_error error = {0};
    switch (insp_shadow_decide(&shadow->choice.rule, &shadow->counts)) {
    case INSP_SHADOW_WAIT:
        return;
    case INSP_SHADOW_STAY:
        insp_log_info(
            "the rule of a shadow is not met: it stays a shadow product=%s version=%s parts=%llu agree=%llu "
            "missed=%llu failed=%llu lost=%llu",
            shadow->product, shadow->choice.version, (unsigned long long)shadow->counts.parts,
            (unsigned long long)shadow->counts.agree, (unsigned long long)shadow->counts.missed,
            (unsigned long long)shadow->counts.failed, (unsigned long long)shadow->counts.lost);
        break;
    case INSP_SHADOW_PROMOTE:
        shadow->promoted = insp_models_switch(shadow->server->models, &changer, insp_change_promote,
                                              shadow->product, shadow->choice.version, &error) == 0;
        if (shadow->promoted) {
            insp_log_info(
                "a shadow became active by its rule product=%s version=%s parts=%llu agree=%llu missed=%llu",
                shadow->product, shadow->choice.version, (unsigned long long)shadow->counts.parts,
                (unsigned long long)shadow->counts.agree, (unsigned long long)shadow->counts.missed);
            return;
        }
        if (error.code == INSP_E_CONFLICT) { /* withdrawn, promoted or begun anew meanwhile */
            insp_log_info("the rule of a shadow is over product=%s version=%s why=%s", shadow->product,
                          shadow->choice.version, INSP_LOG_QUOTED(error.detail));
            return;
        }
        insp_log_error(
            "a shadow whose rule is met could not become active product=%s version=%s code=%s detail=%s",
            shadow->product, shadow->choice.version, insp_code_wire(error.code), INSP_LOG_QUOTED(error.detail));
        outcome = INSP_SHADOW_FAILED;
        break;
    }
    shadow->counts.outcome = outcome;
    if (insp_store_shadow_decided(shadow->server->config.store, &run, outcome, &error) < 0)
        insp_log_warning("the outcome of a shadow's rule is not kept code=%s detail=%s",
                         insp_code_wire(error.code), INSP_LOG_QUOTED(error.detail));
}

static void count(struct insp_task *task) {
    struct api_shadow *shadow = task->data;
    struct insp_shadow_run run = insp_shadow_run_of(shadow->product, &shadow->choice);
    run.over = shadow->over;
    struct insp_shadow_part part[API_SHADOW_PARTS];
    for (size_t i = 0; i < shadow->count; i++) {
        part[i] = shadow->part[i].part;
        part[i].id = shadow->part[i].id;
    }
    shadow->code = insp_store_shadow_add(shadow->server->config.store, &run, part, shadow->count, shadow->lost,
                                         &shadow->counts, &shadow->error);
    if (shadow->code == 0 && !shadow->unsure)
        decide(shadow);
}

/* Puts the parts back that could not be stored, before those that came meanwhile; those that find no room are
 * lost. A stop does not wait for a disk that fails. */
static void put_back(struct api_shadow *shadow) {
    const size_t room = shadow->server->stopping ? 0 : API_SHADOW_PARTS - shadow->waiting_count;
    const size_t kept = shadow->count < room ? shadow->count : room;
    memmove(shadow->waiting + kept, shadow->waiting, shadow->waiting_count * sizeof *shadow->waiting);
    memcpy(shadow->waiting, shadow->part, kept * sizeof *shadow->waiting);
    shadow->waiting_count += kept;
    if (kept < shadow->count)
        lose(shadow, &shadow->part[kept], shadow->count - kept);
}

/* Gives up the parts of a run that a stop could not count: nothing waits for a disk that fails. */
static void give_up(struct api_shadow *shadow, struct api_shadow_known *known) {
    insp_log_warning("stopping: parts of a shadow are not counted, and its rule will not know of them product=%s "
                     "version=%s parts=%llu",
                     shadow->product, shadow->choice.version,
                     (unsigned long long)(known ? known->lost : shadow->count));
    if (known)
        known->given_up = true;
}

static void next(struct api_shadow *shadow);

static void counted(struct insp_task *task) {
    struct api_shadow *shadow = task->data;
    struct api_shadow_known *known =
        api_shadow_known_of(shadow, shadow->product, shadow->choice.version, shadow->choice.since_us);
    if (shadow->code < 0 && !shadow->failed)
        insp_log_warning("answers of a shadow are not counted code=%s detail=%s", insp_code_wire(shadow->code),
                         INSP_LOG_QUOTED(shadow->error.detail));
    shadow->failed = shadow->code < 0;
    shadow->next_us = insp_mono_us() + 1000 * (shadow->failed ? API_SHADOW_RETRY_MS : API_SHADOW_GROUP_MS);
    if (known && shadow->code == 0) {
        known->counts = shadow->counts;
        known->lost -= shadow->lost; /* the entry is of the run that was counted */
    }
    if (shadow->failed)
        put_back(shadow);
    if (shadow->failed && shadow->server->stopping)
        give_up(shadow, known);
    if (shadow->promoted)
        insp_models_reload(shadow->server->models, NULL, NULL);
    shadow->working = false;
    shadow->server->opinions--;
    next(shadow);
    if (shadow->server->stopping)
        api_stop_check(shadow->server);
}

static bool same_run(const struct api_shadow_part *a, const struct api_shadow_part *b) {
    return a->since_us == b->since_us && !strcmp(a->product, b->product) && !strcmp(a->version, b->version);
}

/* Returns the run to count next: that of the first part that waits, or one with lost parts. */
static struct api_shadow_part first_run(struct api_shadow *shadow) {
    struct api_shadow_part first = {.since_us = 0};
    const struct api_shadow_known *lost = api_shadow_lost_run(shadow);
    if (shadow->waiting_count)
        return shadow->waiting[0];
    if (lost) {
        first.since_us = lost->since_us;
        memcpy(first.product, lost->product, sizeof first.product);
        memcpy(first.version, lost->version, sizeof first.version);
    }
    return first;
}

/* Moves the parts of a run to the task. */
static void gather(struct api_shadow *shadow, const struct api_shadow_part *first) {
    size_t left = 0;
    shadow->count = 0;
    for (size_t i = 0; i < shadow->waiting_count; i++)
        if (same_run(&shadow->waiting[i], first))
            shadow->part[shadow->count++] = shadow->waiting[i];
        else
            shadow->waiting[left++] = shadow->waiting[i];
    shadow->waiting_count = left;
    snprintf(shadow->product, sizeof shadow->product, "%s", first->product);
}

/* Begins to count the next run. Its rule counts only as long as it is the shadow's. */
static void begin(struct api_shadow *shadow) {
    const struct api_shadow_part first = first_run(shadow);
    gather(shadow, &first);
    const struct api_shadow_known *known =
        api_shadow_known_of(shadow, first.product, first.version, first.since_us);
    shadow->lost = known ? known->lost : 0;
    shadow->unsure = !known && shadow->lost_unknown;
    const struct insp_shadow_choice *choice =
        api_shadow_choice_of(shadow, first.product, first.version, first.since_us);
    shadow->choice = choice ? *choice : (struct insp_shadow_choice){.since_us = first.since_us};
    shadow->over = !choice;
    memcpy(shadow->choice.version, first.version, sizeof shadow->choice.version);
    shadow->promoted = false;
    shadow->working = true;
    shadow->server->opinions++;
    shadow->task = (struct insp_task){.run = count, .done = counted, .data = shadow};
    insp_work_always(shadow->server->config.lanes, INSP_LANE_BACK, &shadow->task);
}

/* Lets go of the timer. */
static void release(struct api_shadow *shadow) {
    if (!shadow->held)
        return;
    uv_timer_stop(shadow->timer);
    shadow->held = false;
    shadow->server->opinions--;
}

/* Says whether there is anything to count. */
static bool anything(struct api_shadow *shadow) {
    return shadow->waiting_count || api_shadow_lost_run(shadow);
}

static void on_group(uv_timer_t *timer) {
    struct api_shadow *shadow = ((struct api_server *)timer->data)->shadow;
    release(shadow);
    if (!shadow->working && anything(shadow))
        begin(shadow);
}

/* Counts what waits, or lets it wait for the next group: a transaction for each part would hold up the line's. */
static void next(struct api_shadow *shadow) {
    const int64_t wait_us = shadow->next_us - insp_mono_us();
    const bool soon = shadow->waiting_count >= API_SHADOW_SOON && !shadow->failed;
    if (shadow->working || !anything(shadow))
        return;
    if (wait_us <= 0 || soon || shadow->server->stopping) {
        release(shadow);
        begin(shadow);
    } else if (!shadow->held) {
        shadow->held = true;
        shadow->server->opinions++;
        uv_timer_start(shadow->timer, on_group, (uint64_t)(wait_us + 999) / 1000, 0);
    }
}

/* --- opinions --- */

static void note_failure(struct api_shadow_known *known, const struct insp_opinion *opinion) {
    if (!*known->failure)
        insp_log_warning("a shadow fails product=%s version=%s code=%s detail=%s", known->product, known->version,
                         insp_code_wire(opinion->code), INSP_LOG_QUOTED(opinion->error.detail));
    memcpy(known->failure, opinion->error.detail, sizeof known->failure);
}

static void take(struct api_shadow *shadow, const struct insp_opinion *opinion) {
    const struct insp_manifest *manifest = opinion->model->manifest;
    struct api_shadow_known *known =
        api_shadow_known_of(shadow, manifest->product, manifest->version, opinion->since_us);
    struct api_shadow_part part = {.since_us = opinion->since_us,
                                   .part = {.active = opinion->active,
                                            .skipped = !opinion->answered && !opinion->code,
                                            .failed = opinion->code < 0}};
    if (known)
        known->took_us += opinion->took_us;
    if (known && opinion->code < 0)
        note_failure(known, opinion);
    else if (known && opinion->answered)
        known->failure[0] = '\0';
    snprintf(part.product, sizeof part.product, "%s", manifest->product);
    snprintf(part.version, sizeof part.version, "%s", manifest->version);
    memcpy(part.id, opinion->id, sizeof part.id);
    if (opinion->answered) {
        part.part.shadow = insp_opinion_verdict(opinion);
        part.part.probability = opinion->probability;
    }
    if (shadow->waiting_count == API_SHADOW_PARTS)
        lose(shadow, &part, 1); /* the disk is slower than the line, and nothing waits for it */
    else
        shadow->waiting[shadow->waiting_count++] = part;
}

static void ended(struct insp_opinion *opinion) {
    struct api_shadow *shadow = opinion->data;
    shadow->server->opinions--;
    if (opinion->stored)
        take(shadow, opinion);
    insp_opinion_free(opinion);
    next(shadow);
    if (shadow->server->stopping)
        api_stop_check(shadow->server);
}

struct insp_opinion *api_shadow_opinion(void *arg, const struct insp_inspection *job) {
    struct api_server *server = arg;
    const struct insp_served_model *item = insp_models_named(server->models, job->model->manifest->product);
    if (!item || !item->shadow || item->model != job->model || job->suspect || server->stopping)
        return NULL;
    struct insp_opinion *opinion = insp_opinion_new(item->shadow);
    if (!opinion)
        return NULL; /* without memory the line comes first */
    opinion->since_us = item->shadow_choice.since_us;
    opinion->done = ended;
    opinion->data = server->shadow;
    server->opinions++;
    return opinion;
}
