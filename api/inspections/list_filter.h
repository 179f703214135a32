/* api/inspections/list_filter.h - reads and applies the filter of a list of inspections. Any thread. */
#ifndef INSP_API_INSPECTIONS_LIST_FILTER_H
#define INSP_API_INSPECTIONS_LIST_FILTER_H

#include "api/http/query.h"
#include "core/store/store.h"

enum { API_LIST_LIMIT = 50, API_LIST_LIMIT_MAX = 500 };

/* Reads product, camera, part, verdict, label, model, since, until and limit; ignores other parameters.
 *   limit      without the parameter
 *   limit_max  largest that the parameter may ask for
 *   ret        borrows texts from query
 * Fails with INSP_E_QUERY. */
int api_list_filter(const struct api_query *query, size_t limit, uint64_t limit_max, struct insp_filter *ret,
                    struct insp_error *reterr);

/* Says whether a list with this filter has the record, apart from limit, before_id and after_id. Pure. */
bool api_filter_admits(const struct insp_filter *filter, const struct insp_record *record);

#endif
