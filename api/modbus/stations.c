#include "api/modbus/stations.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/inspect/inspection.h"
#include "core/line/pairs.h"
#include "core/model/model.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { UNIT_MAX = 247, PRODUCTS_MAX = 65535 };

struct slot {
    unsigned unit;
    char camera[INSP_TAG_BYTES];
    struct insp_station station;
};

struct api_stations {
    char *products; /* owned: the text of modbus.products */
    size_t count;
    struct slot slot[]; /* [count] */
};

/* Receives one checked pair. */
typedef void take_pair(void *arg, unsigned number, const char *name);

static int read_pairs(const char *text, unsigned max, take_pair *take, void *arg, struct insp_error *reterr) {
    struct insp_pair pair;
    unsigned number;
    while (insp_pair_next(&text, &pair, reterr)) {
        if (!insp_pair_number(pair.key, 1, max, &number))
            return insp_fail(reterr, INSP_E_CONFIG, "has the number \"%.40s\"; it must be 1 to %u", pair.key, max);
        take(arg, number, pair.value);
    }
    return reterr->code;
}

/* Collects pairs, to find out whether a number or a name has two. */
struct pairs {
    size_t count, room;
    struct {
        unsigned number;
        char name[INSP_PAIR_BYTES];
    } * item;
    bool nomem;
};

static void collect(void *arg, unsigned number, const char *name) {
    struct pairs *pairs = arg;
    if (pairs->count == pairs->room) {
        size_t room = pairs->room ? 2 * pairs->room : 16;
        void *grown = realloc(pairs->item, room * sizeof *pairs->item);
        pairs->nomem |= !grown;
        if (!grown)
            return;
        pairs->item = grown;
        pairs->room = room;
    }
    pairs->item[pairs->count].number = number;
    snprintf(pairs->item[pairs->count++].name, INSP_PAIR_BYTES, "%s", name);
}

static int check_unique(const struct pairs *pairs, const char *noun, struct insp_error *reterr) {
    for (size_t i = 0; i < pairs->count; i++)
        for (size_t j = 0; j < i; j++) {
            if (pairs->item[i].number == pairs->item[j].number)
                return insp_fail(reterr, INSP_E_CONFIG, "has two entries for %u", pairs->item[i].number);
            if (!strcmp(pairs->item[i].name, pairs->item[j].name))
                return insp_fail(reterr, INSP_E_CONFIG, "has the %s \"%.80s\" twice", noun, pairs->item[i].name);
        }
    return 0;
}

/* Reads a whole text. pairs->item is the caller's (free), also on failure. */
static int read_unique(const char *text, unsigned max, const char *noun, struct pairs *pairs,
                       struct insp_error *reterr) {
    int r = read_pairs(text, max, collect, pairs, reterr);
    if (r == 0 && pairs->nomem)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the stations");
    return r < 0 ? r : check_unique(pairs, noun, reterr);
}

static int read_stations(const char *text, struct pairs *pairs, struct insp_error *reterr) {
    int r = read_unique(text, UNIT_MAX, "camera", pairs, reterr);
    for (size_t i = 0; i < pairs->count && r == 0; i++)
        if (strlen(pairs->item[i].name) >= INSP_TAG_BYTES)
            r = insp_fail(reterr, INSP_E_CONFIG, "has a camera whose name is longer than %d bytes",
                          INSP_TAG_BYTES - 1);
    return r;
}

int api_stations_check(const char *text, struct insp_error *reterr) {
    struct pairs pairs = {0};
    int r = read_stations(text, &pairs, reterr);
    free(pairs.item);
    return r;
}

int api_station_products_check(const char *text, struct insp_error *reterr) {
    struct pairs pairs = {0};
    int r = read_unique(text, PRODUCTS_MAX, "product", &pairs, reterr);
    for (size_t i = 0; i < pairs.count && r == 0; i++)
        if (!insp_name_valid(pairs.item[i].name))
            r = insp_fail(reterr, INSP_E_CONFIG, "has \"%.80s\", which is no name of a product",
                          pairs.item[i].name);
    free(pairs.item);
    return r;
}

int api_modbus_listen_check(const char *text, struct insp_error *reterr) {
    struct sockaddr_storage address;
    return *text ? api_modbus_address(text, &address, reterr) : 0;
}

int api_modbus_address(const char *text, struct sockaddr_storage *ret, struct insp_error *reterr) {
    const char *colon = strrchr(text, ':');
    const size_t bytes = colon ? (size_t)(colon - text) : 0;
    const bool bracket = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';
    char host[64];
    unsigned port;
    if (bytes && bytes < sizeof host && insp_pair_number(colon + 1, 0, 65535, &port)) {
        snprintf(host, sizeof host, "%.*s", (int)(bytes - 2 * bracket), text + bracket);
        if (bracket ? !uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret)
                    : !uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret))
            return 0;
    }
    return insp_fail(reterr, INSP_E_CONFIG,
                     "is \"%.128s\"; it must be an address and a port, such as 192.0.2.7:1502 or [::]:1502", text);
}

int api_stations_new(const char *stations, const char *products, unsigned heartbeat_s, struct api_stations **ret,
                     struct insp_error *reterr) {
    struct pairs pairs = {0};
    int r = read_stations(stations, &pairs, reterr);
    if (r == 0)
        r = api_station_products_check(products, reterr);
    struct api_stations *made = r == 0 ? calloc(1, sizeof *made + pairs.count * sizeof made->slot[0]) : NULL;
    if (made)
        made->products = strdup(products);
    if (r == 0 && (!made || !made->products))
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the stations");
    for (size_t i = 0; i < pairs.count && r == 0; i++) {
        struct slot *slot = &made->slot[made->count++];
        slot->unit = pairs.item[i].number;
        slot->station.limit_us = (int64_t)heartbeat_s * 1000000;
        snprintf(slot->camera, sizeof slot->camera, "%s", pairs.item[i].name);
    }
    free(pairs.item);
    if (r == 0)
        *ret = made;
    else
        api_stations_free(made);
    return r;
}

void api_stations_free(struct api_stations *stations) {
    if (stations)
        free(stations->products);
    free(stations);
}

size_t api_stations_count(const struct api_stations *stations) {
    return stations ? stations->count : 0;
}

struct insp_station *api_stations_at(struct api_stations *stations, size_t at, unsigned *ret_unit,
                                     const char **ret_camera) {
    *ret_unit = stations->slot[at].unit;
    *ret_camera = stations->slot[at].camera;
    return &stations->slot[at].station;
}

struct insp_station *api_stations_unit(struct api_stations *stations, unsigned unit) {
    for (size_t i = 0; i < api_stations_count(stations); i++)
        if (stations->slot[i].unit == unit)
            return &stations->slot[i].station;
    return NULL;
}

const char *api_stations_camera(const struct api_stations *stations, unsigned unit) {
    for (size_t i = 0; i < api_stations_count(stations); i++)
        if (stations->slot[i].unit == unit)
            return stations->slot[i].camera;
    return NULL;
}

static struct insp_station *of_camera(struct api_stations *stations, const char *camera) {
    for (size_t i = 0; i < api_stations_count(stations); i++)
        if (!strcmp(stations->slot[i].camera, camera))
            return &stations->slot[i].station;
    return NULL;
}

static void match_product(const char *text, unsigned wanted, char *ret) {
    struct insp_pair pair;
    struct insp_error error;
    unsigned number;
    while (insp_pair_next(&text, &pair, &error))
        if (insp_pair_number(pair.key, 1, PRODUCTS_MAX, &number) && number == wanted)
            snprintf(ret, INSP_NAME_BYTES, "%s", pair.value);
}

bool api_station_product(const struct api_stations *stations, const struct insp_station *station, char *ret) {
    ret[0] = 0;
    if (!station->part.product)
        return true;
    match_product(stations->products, station->part.product, ret);
    return ret[0] != 0;
}

/* --- results --- */

void api_stations_begin(struct api_stations *stations, const char *camera) {
    struct insp_station *station = of_camera(stations, camera);
    if (station)
        station->in_flight++;
}

void api_stations_end(struct api_stations *stations, const char *camera) {
    struct insp_station *station = of_camera(stations, camera);
    if (station)
        station->in_flight--;
}

static enum insp_station_error fault_of(const struct api_stations *stations, const struct insp_station *station,
                                        const struct insp_inspection *job, int64_t now_us) {
    char product[INSP_NAME_BYTES];
    if (!api_station_product(stations, station, product) ||
        (product[0] && strcmp(product, job->model->manifest->product) != 0))
        return INSP_STATION_PRODUCT;
    /* The commit counts here, although the row cannot contain its time. */
    return job->takt_us && now_us - job->started_us > job->takt_us ? INSP_STATION_LATE : INSP_STATION_NO_ERROR;
}

void api_stations_offer(struct api_stations *stations, const struct insp_inspection *job) {
    static const enum insp_station_verdict verdicts[INSP_VERDICTS] = {
        [INSP_VERDICT_GOOD] = INSP_STATION_GOOD,
        [INSP_VERDICT_ANOMALY] = INSP_STATION_ANOMALY,
        [INSP_VERDICT_REVIEW] = INSP_STATION_REVIEW,
    };
    struct insp_station *station = of_camera(stations, job->camera);
    if (!station)
        return;
    int64_t now_us = insp_mono_us();
    struct insp_station_result result = {
        .verdict = verdicts[job->verdict],
        .error = fault_of(stations, station, job, now_us),
        .probability = job->score.probability,
        .threshold = job->model->manifest->threshold,
        .latency_ms = (uint32_t)((now_us - job->started_us) / 1000),
    };
    snprintf(result.part, sizeof result.part, "%s", job->part);
    snprintf(result.id, sizeof result.id, "%s", job->id);
    if (job->heat.box_count)
        result.box = job->heat.box[0];
    insp_station_offer(station, &result, job->started_us, now_us);
}

static enum insp_station_error error_of(int code) {
    switch (code) {
    case INSP_E_DEADLINE:
        return INSP_STATION_DEADLINE;
    case INSP_E_CAMERA_AWAY:
        return INSP_STATION_CAMERA;
    default:
        return INSP_STATION_NO_VERDICT;
    }
}

void api_stations_undecided(struct api_stations *stations, const char *camera, const char *part, const char *id,
                            int code, int64_t started_us) {
    struct insp_station *station = of_camera(stations, camera);
    if (!station)
        return;
    int64_t now_us = insp_mono_us();
    struct insp_station_result result = {
        .error = error_of(code),
        .latency_ms = (uint32_t)((now_us - started_us) / 1000),
    };
    snprintf(result.part, sizeof result.part, "%s", part);
    snprintf(result.id, sizeof result.id, "%s", id);
    insp_station_offer(station, &result, started_us, now_us);
}

void api_stations_turn(struct api_stations *stations, int64_t now_us) {
    for (size_t i = 0; i < api_stations_count(stations); i++)
        insp_station_turn(&stations->slot[i].station, now_us);
}
