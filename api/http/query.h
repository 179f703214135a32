/* api/http/query.h - holds and checks the decoded query parameters of a request. Any thread.
 *
 * Each typed getter succeeds and leaves *ret unchanged if the parameter is absent, and fails with INSP_E_QUERY,
 * which names the parameter and its range, if the value is wrong. */
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

/* Adds a parameter; copies both texts. value: NULL for "?name". Fails with INSP_E_QUERY (a repeated name, more
 * than API_QUERY_MAX parameters), INSP_E_NOMEM. */
int api_query_add(struct api_query *query, const char *name, const char *value, struct insp_error *reterr);

/* Frees all parameters. */
void api_query_clear(struct api_query *query);

/* Returns the value, borrowed from query; NULL if the parameter is absent. */
const char *api_query_get(const struct api_query *query, const char *name);

/* Fails with INSP_E_QUERY for a parameter that is not in the NULL-terminated list. */
int api_query_allow(const struct api_query *query, const char *const *names, struct insp_error *reterr);

/* Gets a whole number, min..max. */
int api_query_number(const struct api_query *query, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
                     struct insp_error *reterr);

/* Gets a number, 0..1. */
int api_query_fraction(const struct api_query *query, const char *name, float *ret, struct insp_error *reterr);

/* Gets an RFC 3339 time in microseconds, wall clock. */
int api_query_time(const struct api_query *query, const char *name, int64_t *ret_wall_us,
                   struct insp_error *reterr);

/* Gets a duration ("90s", "15m", "24h", "7d"; 1 s to 366 d) in microseconds. */
int api_query_duration(const struct api_query *query, const char *name, int64_t *ret_us,
                       struct insp_error *reterr);

/* Gets the name of a product or version (insp_name_valid). *ret is borrowed from query. */
int api_query_name(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr);

/* Gets a camera or part: 1 to 128 bytes of UTF-8 without noncharacters and control characters, except the
 * separators GS, RS and EOT of scanned codes (ISO/IEC 15434, GS1). *ret is borrowed from query. */
int api_query_tag(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr);

/* Gets one of the words of a NULL-terminated list; *ret is its index. */
int api_query_choice(const struct api_query *query, const char *name, const char *const *words, int *ret,
                     struct insp_error *reterr);

/* Says whether a text is a camera or part as api_query_tag accepts it. Pure. */
bool api_tag_valid(const char *text);

/* Says whether a text is UTF-8 without C0, DEL and C1 control characters. Pure. */
bool api_text_clean(const char *text);

#endif
