#include "core/inspect/scoring.h"

#include "core/compute/team.h"
#include "core/good_only/good_score.h"
#include "core/inspect/suspect.h"

#include <math.h>
#include <string.h>

enum {
    PASS_IMAGES = 64,
    TAP_IMAGES = 16, /* of a pass with taps, which take 1.4 MB an image */
};

/* Holds one call. */
struct scoring {
    struct insp_trunk *trunk;
    const struct insp_shot *shots;
    float *prob, *cam;
    struct insp_good_answer *good;  /* NULL: not asked for */
    struct insp_kept *const *kept;  /* [n], each may be NULL; or NULL */
    struct insp_scoring_room *room; /* of TAP_IMAGES; made for the first pass that needs it */
    bool begun;                     /* a pass has run */
};

/* Holds what the pictures of a pass need besides the tails' answers. */
struct needs {
    bool taps, features;
};

/* Holds the pictures of one pass, or tiles of them: all with a tail, or all without. */
struct pass {
    struct place {
        size_t image, tile; /* image: place in the call */
        float *cam;         /* of the image's answer */
    } place[PASS_IMAGES];
    size_t count;
    struct insp_picture picture[PASS_IMAGES];
    float prob[PASS_IMAGES], cam[PASS_IMAGES * INSP_MAP_FLOATS]; /* the tails' answers, then the models' */
    struct insp_good_answer good[PASS_IMAGES];
};

/* Returns the tiles of a shot; {0, 0} if the network sees its picture whole. */
static struct insp_tiles tiles_of(const struct insp_shot *shot) {
    return shot->single ? (struct insp_tiles){0, 0} : shot->model->manifest->tiles;
}

/* Finds the cells that count; returns NULL if all do. cells: memory for them. */
static const struct insp_field_cells *cells_of(const struct insp_shot *shot, size_t tile,
                                               struct insp_field_cells *cells) {
    const bool cut_out = shot->single && insp_tiles_on(shot->model->manifest->tiles);
    if (!shot->field || cut_out)
        return NULL;
    insp_field_cells_of(shot->field, tiles_of(shot), tile, cells);
    return cells;
}

/* Says whether the good-only model of a version shapes its heat. */
static bool shows_good(const struct insp_model *model) {
    return model->good && (!model->tail || model->manifest->heat.kind != INSP_HEAT_ACTIVATION);
}

static bool needs_good(const struct scoring *s, const struct insp_model *model) {
    return model->good && (s->good || shows_good(model));
}

/* with_kept: also for what shall be kept of the picture. */
static struct needs needs_of(const struct scoring *s, size_t i, bool with_kept) {
    const struct insp_model *model = s->shots[i].model;
    const struct insp_kept *kept = s->kept && with_kept ? s->kept[i] : NULL;
    return (struct needs){.taps = model->logistic || needs_good(s, model) || (kept && kept->wants_taps),
                          .features = model->tail && (model->logistic || (kept && kept->wants_features))};
}

static void add_needs(struct needs *needs, struct needs more) {
    needs->taps |= more.taps;
    needs->features |= more.features;
}

static int reserve(struct scoring *s, struct needs needs, struct insp_error *reterr) {
    struct insp_scoring_room *room = s->room;
    if (needs.features && !room->features)
        room->features = malloc(TAP_IMAGES * INSP_FEATURE_FLOATS * sizeof *room->features);
    if (needs.taps && !room->taps)
        room->taps = malloc(TAP_IMAGES * INSP_TAP_FLOATS * sizeof *room->taps);
    if (needs.taps && !room->samples)
        room->samples = malloc(TAP_IMAGES * sizeof *room->samples);
    return (room->taps && room->samples) >= needs.taps && (room->features || !needs.features)
               ? 0
               : insp_fail(reterr, INSP_E_NOMEM, "no memory for the taps of a pass");
}

/* Makes the heat that the version shows. distance: [28,28]; cam: in, the tail's map if there is a tail; out. */
static void show(const struct insp_model *model, const float *distance, float *cam) {
    const struct insp_manifest *manifest = model->manifest;
    float good[INSP_MAP_FLOATS];
    if (!shows_good(model))
        return;
    insp_good_heat_map(&manifest->good_only.scale, manifest->heat.threshold, distance, good);
    if (model->tail)
        insp_heat_make(&manifest->heat, cam, good, INSP_MAP_FLOATS, cam);
    else
        memcpy(cam, good, sizeof good);
}

/* Judges picture k of a pass by its good-only model. */
static int judge(struct scoring *s, struct pass *pass, size_t k, const struct insp_field_cells *cells,
                 struct insp_error *reterr) {
    const size_t i = pass->place[k].image;
    const struct insp_model *model = s->shots[i].model;
    const struct insp_good_only *good = &model->manifest->good_only;
    float map[INSP_TAP_CELLS], score;
    struct insp_good_sample *sample = &s->room->samples[k];
    insp_good_sample_values(s->room->taps + k * INSP_TAP_FLOATS, good->channel, sample);
    insp_good_score(model->good, sample, cells ? cells->tap_keep : NULL, map, &score);
    if (!isfinite(score))
        return insp_fail(reterr, INSP_E_MODEL, "the good-only score of image %zu is %f, not a finite number", i,
                         (double)score);
    pass->good[k] =
        (struct insp_good_answer){.known = true,
                                  .unlike = score > good->unlike,
                                  .score = score,
                                  .percentile = insp_good_percentile(good->quantile, INSP_GOOD_QUANTILES, score)};
    if (!model->tail)
        pass->prob[k] = insp_good_probability(&good->scale, score);
    show(model, map, pass->cam + k * INSP_MAP_FLOATS);
    return 0;
}

/* Returns the probability of picture k of a pass, by the tail and the logistic regression. */
static float decide(const struct scoring *s, const struct pass *pass, size_t k) {
    const struct insp_model *model = s->shots[pass->place[k].image].model;
    float pooled[INSP_POOLED_FLOATS];
    if (!model->logistic)
        return pass->prob[k];
    insp_pooled_of(s->room->taps + k * INSP_TAP_FLOATS, s->room->features + k * INSP_FEATURE_FLOATS, pooled);
    return insp_logistic_probability(model->logistic, model->manifest->logistic.use, pooled, pass->prob[k]);
}

/* Gives picture k of a pass its answer, in the pass. */
static int answer(struct scoring *s, struct pass *pass, size_t k, struct insp_error *reterr) {
    const struct insp_shot *shot = &s->shots[pass->place[k].image];
    const struct insp_heat_params *heatmap = &shot->model->manifest->heatmap;
    struct insp_field_cells memory;
    const struct insp_field_cells *cells = cells_of(shot, pass->place[k].tile, &memory);
    if (shot->model->tail)
        pass->prob[k] = decide(s, pass, k);
    int r = needs_good(s, shot->model) ? judge(s, pass, k, cells, reterr) : 0;
    if (r == 0 && shot->model->tail && cells) /* takes the heat from the cells that the field ignores */
        insp_field_cells_map(cells, heatmap->scale == INSP_SCALE_FIXED ? heatmap->low : INFINITY,
                             pass->cam + k * INSP_MAP_FLOATS);
    return r;
}

/* Adds the answer of picture k of a pass to that of its image. */
static void merge(struct scoring *s, const struct pass *pass, size_t k) {
    const struct place *place = &pass->place[k];
    const struct insp_tiles tiles = tiles_of(&s->shots[place->image]);
    const float *cam = pass->cam + k * INSP_MAP_FLOATS;
    if (s->good && pass->good[k].score >= s->good[place->image].score)
        s->good[place->image] = pass->good[k];
    if (insp_tiles_on(tiles)) {
        s->prob[place->image] = fmaxf(s->prob[place->image], pass->prob[k]);
        insp_tiles_stitch(tiles, place->tile, cam, place->cam);
    } else {
        s->prob[place->image] = pass->prob[k];
        memcpy(place->cam, cam, INSP_MAP_FLOATS * sizeof *cam);
    }
}

/* Copies what picture k shall keep. */
static void keep(const struct scoring *s, const struct pass *pass, size_t k, struct needs needs) {
    struct insp_kept *kept = s->kept ? s->kept[pass->place[k].image] : NULL;
    if (!kept)
        return;
    kept->has_taps = kept->wants_taps && needs.taps;
    kept->has_features = kept->wants_features && needs.features;
    if (kept->has_taps)
        memcpy(kept->taps, s->room->taps + k * INSP_TAP_FLOATS, INSP_TAP_FLOATS * sizeof *kept->taps);
    if (kept->has_features)
        memcpy(kept->features, s->room->features + k * INSP_FEATURE_FLOATS,
               INSP_FEATURE_FLOATS * sizeof *kept->features);
}

/* Holds the answering of a pass, in which threads take its pictures. */
struct answering {
    struct scoring *scoring;
    struct pass *pass;
    struct needs needs;
    int code[PASS_IMAGES];
};

static void answer_step(void *arg, size_t k, unsigned thread) {
    struct answering *all = arg;
    (void)thread;
    all->code[k] = answer(all->scoring, all->pass, k, NULL);
    keep(all->scoring, all->pass, k, all->needs);
}

/* Answers all pictures of a pass. A good-only model takes a millisecond a picture: a pass on a GPU takes less, and
 * its cores wait meanwhile. */
static int answer_all(struct scoring *s, struct pass *pass, struct needs needs, struct insp_error *reterr) {
    struct answering all = {.scoring = s, .pass = pass, .needs = needs};
    insp_team_run(needs.taps ? insp_trunk_host_threads(s->trunk) : 1, pass->count, 1, answer_step, &all);
    for (size_t k = 0; k < pass->count; k++)
        if (all.code[k] < 0)
            return answer(s, pass, k, reterr); /* again, for the detail */
    for (size_t k = 0; k < pass->count; k++)
        merge(s, pass, k);
    return 0;
}

static int run_for(struct scoring *s, struct pass *pass, struct needs needs, struct insp_error *reterr) {
    int r = reserve(s, needs, reterr);
    memset(pass->good, 0, sizeof pass->good);
    if (r == 0)
        r = pass->picture[0].tail ? insp_score_pictures_taps(s->trunk, pass->picture, pass->count, pass->prob,
                                                             pass->cam, needs.taps ? s->room->taps : NULL,
                                                             needs.features ? s->room->features : NULL, reterr)
                                  : insp_picture_taps(s->trunk, pass->picture, pass->count, s->room->taps, reterr);
    return r < 0 ? r : answer_all(s, pass, needs, reterr);
}

/* Holds what the pictures of a kind need, and with what shall be kept of them. */
struct kind_needs {
    struct needs own, all;
};

/* Runs a pass. If that fails it may be for what another model wants to be kept: again without it. */
static int run(struct scoring *s, struct pass *pass, struct kind_needs needs, struct insp_error *reterr) {
    const bool more = needs.all.taps != needs.own.taps || needs.all.features != needs.own.features;
    if (s->begun && s->room->between && !s->room->between(s->room->between_arg))
        return insp_fail(reterr, INSP_E_CANCELLED, "ended between two passes");
    s->begun = true;
    int r = run_for(s, pass, needs.all, reterr);
    return r < 0 && more ? run_for(s, pass, needs.own, reterr) : r;
}

/* Adds tile t of image i to a pass, which runs if it is full. A tile that the field ignores gets no heat. */
static int add(struct scoring *s, struct pass *pass, const struct place *place, struct kind_needs needs,
               size_t most, struct insp_error *reterr) {
    const struct insp_shot *shot = &s->shots[place->image];
    const struct insp_manifest *manifest = shot->model->manifest;
    const struct insp_tiles tiles = tiles_of(shot);
    struct insp_field_cells cells;
    int r = 0;
    if (shot->field && insp_tiles_on(tiles) && !insp_field_cells_of(shot->field, tiles, place->tile, &cells)) {
        float cold[INSP_MAP_FLOATS];
        for (size_t cell = 0; cell < INSP_MAP_FLOATS; cell++)
            cold[cell] = manifest->heatmap.low;
        insp_tiles_stitch(tiles, place->tile, cold, place->cam);
        return 0;
    }
    pass->picture[pass->count] =
        (struct insp_picture){shot->model->tail, shot->rgb + place->tile * INSP_INPUT_FLOATS, &manifest->input};
    pass->place[pass->count++] = *place;
    if (pass->count == most) {
        r = run(s, pass, needs, reterr);
        pass->count = 0;
    }
    return r;
}

static bool of_kind(const struct scoring *s, size_t i, bool tail) {
    return !s->shots[i].model->tail == !tail;
}

/* Scores all pictures of one kind. If one of them needs taps or features, all give them: one
 * pass costs less than two. */
static int score_kind(struct scoring *s, size_t n, bool tail, struct insp_error *reterr) {
    struct pass pass = {.count = 0};
    struct kind_needs needs = {0};
    struct place place = {.cam = s->cam};
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        if (!of_kind(s, i, tail))
            continue;
        add_needs(&needs.own, needs_of(s, i, false));
        add_needs(&needs.all, needs_of(s, i, true));
    }
    size_t most = needs.all.taps || needs.all.features ? TAP_IMAGES : PASS_IMAGES;
    if (s->room->pass_max && s->room->pass_max < most)
        most = s->room->pass_max;
    for (place.image = 0; place.image < n && r == 0; place.image++) {
        const struct insp_shot *shot = &s->shots[place.image];
        const struct insp_tiles tiles = tiles_of(shot);
        const size_t count = of_kind(s, place.image, tail) ? insp_tiles_count(tiles) : 0;
        if (count && !shot->model->tail && !shot->model->good)
            return insp_fail(reterr, INSP_E_INTERNAL,
                             "the model of image %zu has neither a tail nor a good-only model", place.image);
        for (place.tile = 0; place.tile < count && r == 0; place.tile++)
            r = add(s, &pass, &place, needs, most, reterr);
        place.cam += insp_map_cells(insp_tiles_map(tiles));
    }
    return r == 0 && pass.count ? run(s, &pass, needs, reterr) : r;
}

/* Clears the answers, to which those of the tiles are added. */
static void begin(const struct scoring *s, size_t n) {
    size_t cells = 0;
    for (size_t i = 0; i < n; i++)
        cells += insp_map_cells(insp_tiles_map(tiles_of(&s->shots[i])));
    memset(s->cam, 0, cells * sizeof *s->cam);
    memset(s->prob, 0, n * sizeof *s->prob);
    if (s->good)
        memset(s->good, 0, n * sizeof *s->good);
}

int insp_model_score_keep(struct insp_trunk *trunk, const struct insp_shot *shots, size_t n,
                          struct insp_scoring_room *room, struct insp_kept *const *kept, float *ret_prob,
                          float *ret_cam, struct insp_good_answer *ret_good, struct insp_error *reterr) {
    struct scoring s = {.trunk = trunk,
                        .shots = shots,
                        .prob = ret_prob,
                        .cam = ret_cam,
                        .good = ret_good,
                        .kept = kept,
                        .room = room};
    begin(&s, n);
    int r = score_kind(&s, n, true, reterr);
    return r < 0 ? r : score_kind(&s, n, false, reterr);
}

void insp_scoring_room_clear(struct insp_scoring_room *room) {
    free(room->taps);
    free(room->features);
    free(room->samples);
    *room = (struct insp_scoring_room){0};
}

int insp_model_score(struct insp_trunk *trunk, const struct insp_shot *shots, size_t n, float *ret_prob,
                     float *ret_cam, struct insp_good_answer *ret_good, struct insp_error *reterr) {
    _cleanup_(insp_scoring_room_clear) struct insp_scoring_room room = {0};
    return insp_model_score_keep(trunk, shots, n, &room, NULL, ret_prob, ret_cam, ret_good, reterr);
}

/* --- by what a pass for another model has kept --- */

static bool same_input(const struct insp_transform *a, const struct insp_transform *b) {
    bool same = a->width == b->width && a->height == b->height && a->bgr == b->bgr && a->scale == b->scale;
    for (size_t i = 0; i < INSP_COUNT(a->mean); i++)
        same = same && a->mean[i] == b->mean[i] && a->std[i] == b->std[i];
    return same;
}

void insp_kept_want(struct insp_kept *kept, const struct insp_model *passing, const struct insp_model *other) {
    const bool same = same_input(&passing->manifest->input, &other->manifest->input) &&
                      !insp_tiles_on(passing->manifest->tiles) && !insp_tiles_on(other->manifest->tiles);
    kept->has_taps = kept->has_features = false;
    kept->wants_features = same && passing->tail && other->tail;
    kept->wants_taps = same && (other->good || other->logistic);
    if (kept->wants_features && !kept->features)
        kept->features = malloc(INSP_FEATURE_FLOATS * sizeof *kept->features);
    if (kept->wants_taps && !kept->taps)
        kept->taps = malloc(INSP_TAP_FLOATS * sizeof *kept->taps);
    kept->wants_features = kept->wants_features && kept->features;
    kept->wants_taps = kept->wants_taps && kept->taps;
}

void insp_kept_clear(struct insp_kept *kept) {
    free(kept->features);
    free(kept->taps);
    *kept = (struct insp_kept){0};
}

int insp_model_score_kept(struct insp_trunk *trunk, const struct insp_shot *shot, const struct insp_kept *kept,
                          struct insp_scoring_room *own, float *ret_prob, float *ret_cam,
                          struct insp_good_answer *ret_good, struct insp_error *reterr) {
    const struct insp_model *model = shot->model;
    const bool enough = !insp_tiles_on(model->manifest->tiles) && (!model->tail || kept->has_features) &&
                        (!(model->good || model->logistic) || kept->has_taps);
    if (!enough)
        return insp_model_score_keep(trunk, shot, 1, own, NULL, ret_prob, ret_cam, ret_good, reterr);
    _cleanup_free_ struct insp_good_sample *sample = malloc(sizeof *sample);
    struct insp_scoring_room room = {.taps = kept->taps, .features = kept->features, .samples = sample};
    struct scoring s = {
        .trunk = trunk, .shots = shot, .prob = ret_prob, .cam = ret_cam, .good = ret_good, .room = &room};
    struct pass pass = {.place = {{.cam = ret_cam}}, .count = 1};
    begin(&s, 1);
    if (!sample)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the taps of a picture");
    int r = model->tail ? insp_tail_score(model->tail, kept->features, 1, pass.prob, pass.cam, reterr) : 0;
    return r < 0 ? r : answer_all(&s, &pass, (struct needs){0}, reterr);
}

enum insp_verdict insp_model_verdict(const struct insp_manifest *manifest, float probability,
                                     const struct insp_good_answer *good, uint32_t *suspect) {
    enum insp_verdict verdict = insp_verdict_of(manifest, probability);
    if (verdict == INSP_VERDICT_GOOD && good->unlike && !insp_manifest_good_decides(manifest))
        *suspect |= 1U << INSP_SUSPECT_UNLIKE_GOOD;
    return insp_suspect_verdict(verdict, *suspect);
}
