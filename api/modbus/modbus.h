/* api/modbus/modbus.h - serve the stations to PLCs over Modbus/TCP, in the loop. Loop thread.
 *
 * An answer is written in the turn of the loop in which its request was read; nothing waits. A PLC that does not
 * read its answers, sends what is no Modbus/TCP, or sends no complete request for modbus.idle_s is disconnected.
 * If the address cannot be bound, the daemon runs all the same and tries again every five seconds. */
#ifndef INSP_API_MODBUS_MODBUS_H
#define INSP_API_MODBUS_MODBUS_H

#include "core/base/error.h"
#include "core/line/sink.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct api_modbus;
struct api_server;

/* Starts the server of modbus.listen; *ret is NULL if that is empty. `closed` is called with the server on the
 * loop after api_modbus_close, when the last handle has been closed. Fails with INSP_E_CONFIG and INSP_E_NOMEM,
 * and then has opened no handle. */
int api_modbus_start(struct api_server *server, void (*closed)(void *arg), struct api_modbus **ret,
                     struct insp_error *reterr);

/* Closes the listener and all connections. Accepts NULL. */
void api_modbus_close(struct api_modbus *modbus);

/* Says whether handles are still open: the server must not be freed yet. Accepts NULL: no. */
bool api_modbus_open(const struct api_modbus *modbus);
void api_modbus_free(struct api_modbus *modbus); /* accepts NULL */

/* Returns the entry of GET /v1/sinks, with the stations and the number of connected clients; NULL without memory.
 */
json_t *api_modbus_json(const struct api_modbus *modbus);

/* Returns the figures of the sink "modbus": delivered are results that were presented to a PLC. */
struct insp_sink_figures api_modbus_figures(const struct api_modbus *modbus);

/* Writes the metrics of the server and its stations. Accepts NULL: no samples. */
void api_modbus_metrics(const struct api_modbus *modbus, const struct api_server *server, FILE *out);

#endif
