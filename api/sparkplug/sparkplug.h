/* api/sparkplug/sparkplug.h - publish inspections as a Sparkplug B 3.0 edge node, whose devices are the cameras.
 * docs/sparkplug.md has topics and metrics. All functions: loop thread. */
#ifndef INSP_API_SPARKPLUG_SPARKPLUG_H
#define INSP_API_SPARKPLUG_SPARKPLUG_H

#include "api/sinks/sinks.h"

/* Makes the sink of mqtt.sparkplug_group, as an api_sink_maker does; its operations start it. It connects apart
 * from the MQTT sink, because a client has one will. Fails with INSP_E_CONFIG, INSP_E_NOMEM. */
int api_sparkplug_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr);

#endif
