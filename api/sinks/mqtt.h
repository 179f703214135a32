/* api/sinks/mqtt.h - publish inspections and the daemon's condition to an MQTT broker. docs/mqtt.md has the
 * topics. All functions: loop thread. */
#ifndef INSP_API_SINKS_MQTT_H
#define INSP_API_SINKS_MQTT_H

#include "api/sinks/mqtt_link.h"
#include "api/sinks/sinks.h"

/* Makes the sink of the settings mqtt.*, as an api_sink_maker does; its operations start it. Fails with
 * INSP_E_CONFIG, INSP_E_NOMEM. */
int api_mqtt_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr);

#endif
