/* api/http/query.h - query parameters, decoded and checked. Pure data; any thread. Every getter fails with
 * INSP_E_QUERY that names the parameter and its range, and leaves *ret alone where the parameter is absent. */
#ifndef INSP_API_HTTP_QUERY_H
#define INSP_API_HTTP_QUERY_H

#include "core/base/error.h"
#include "core/inspect/inspection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { API_QUERY_MAX = 16 };

struct api_query {
    size_t count;
    struct {
        char *name, *value; /* owned copies */
    } item[API_QUERY_MAX];
};

/* value may be NULL ("?name"). INSP_E_QUERY for a repeated name or more than API_QUERY_MAX; INSP_E_NOMEM. */
int api_query_add(struct api_query *query, const char *name, const char *value, struct insp_error *reterr);
void api_query_clear(struct api_query *query);

/* The value or NULL. */
const char *api_query_get(const struct api_query *query, const char *name);

/* Refuses any parameter that is not in the NULL-terminated list. */
int api_query_allow(const struct api_query *query, const char *const *names, struct insp_error *reterr);

int api_query_number(const struct api_query *query, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
                     struct insp_error *reterr);
int api_query_fraction(const struct api_query *query, const char *name, float *ret,
                       struct insp_error *reterr); /* 0..1 */
int api_query_time(const struct api_query *query, const char *name, int64_t *ret_wall_us,
                   struct insp_error *reterr);
/* "90s", "15m", "24h", "7d": 1 s to 366 d, in microseconds. */
int api_query_duration(const struct api_query *query, const char *name, int64_t *ret_us,
                       struct insp_error *reterr);

/* A product, model...: insp_name_valid. *ret is borrowed from query. */
int api_query_name(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr);
/* camera, part: 1 to 128 bytes of UTF-8 without control characters, but with the separators of scanned codes: GS,
 * RS and EOT of ISO/IEC 15434 and GS1. *ret is borrowed from query. */
int api_query_tag(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr);

/* One of the NULL-terminated words; *ret is its index. */
int api_query_choice(const struct api_query *query, const char *name, const char *const *words, int *ret,
                     struct insp_error *reterr);

/* True for UTF-8 without C0, DEL or C1 control characters. */
bool api_text_clean(const char *text);

#endif
