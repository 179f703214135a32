/* Knows the present or last run of each product's shadow, for metrics and for parts that are still to be counted.
 */
#include "api/server/server.h"
#include "api/shadow/shadow.h"
#include "api/shadow/shadow_state.h"

#include <string.h>

const struct insp_shadow_choice *api_shadow_choice_of(const struct api_shadow *shadow, const char *product,
                                                      const char *version, int64_t since_us) {
    const struct insp_served_model *item = insp_models_named(shadow->server->models, product);
    return item && item->shadow_choice.since_us == since_us && !strcmp(item->shadow_choice.version, version)
               ? &item->shadow_choice
               : NULL;
}

static bool is_run(const struct api_shadow_known *known, const char *version, int64_t since_us) {
    return known->since_us == since_us && !strcmp(known->version, version);
}

static struct api_shadow_known *find(struct api_shadow *shadow, const char *product) {
    for (size_t i = 0; i < shadow->known_count; i++)
        if (!strcmp(shadow->known[i].product, product))
            return &shadow->known[i];
    return NULL;
}

/* Returns a place: a new one, or in a full list that of a run that is over. NULL: none. */
static struct api_shadow_known *place_for(struct api_shadow *shadow) {
    if (shadow->known_count < API_SHADOW_PRODUCTS)
        return &shadow->known[shadow->known_count++];
    for (size_t i = 0; i < shadow->known_count; i++) {
        struct api_shadow_known *known = &shadow->known[i];
        if (!api_shadow_choice_of(shadow, known->product, known->version, known->since_us))
            return known;
    }
    return NULL;
}

struct api_shadow_known *api_shadow_known_of(struct api_shadow *shadow, const char *product, const char *version,
                                             int64_t since_us) {
    struct api_shadow_known *known = find(shadow, product);
    if (known && is_run(known, version, since_us))
        return known;
    if (!api_shadow_choice_of(shadow, product, version, since_us))
        return NULL;
    if (!known)
        known = place_for(shadow);
    if (!known)
        return NULL;
    *known = (struct api_shadow_known){.since_us = since_us};
    snprintf(known->product, sizeof known->product, "%s", product);
    snprintf(known->version, sizeof known->version, "%s", version);
    return known;
}

struct api_shadow_known *api_shadow_lost_run(struct api_shadow *shadow) {
    for (size_t i = 0; i < shadow->known_count; i++)
        if (shadow->known[i].lost && !shadow->known[i].given_up)
            return &shadow->known[i];
    return NULL;
}

const char *api_shadow_failure(const struct api_shadow *shadow, const char *product, const char *version,
                               int64_t since_us) {
    for (size_t i = 0; i < shadow->known_count; i++)
        if (!strcmp(shadow->known[i].product, product) && is_run(&shadow->known[i], version, since_us))
            return shadow->known[i].failure;
    return "";
}
