{{/* The call graph: the services, who calls them, and how long each must serve during a shutdown. */}}

{{/*
The merged values of all services, by name, with two keys that follow from their `calls`:
  callers  the enabled services that call this one, by the port that they call: {http: [...], admin: [...]}
  drain    its values, with `delaySeconds` raised as far as its callers need it
Templates include this once and pass the result on, because it takes time for many services.
*/}}
{{- define "onetrace.services" -}}
{{- $services := dict -}}
{{- range $name, $entry := .Values.services -}}
{{- $v := mergeOverwrite (deepCopy $.Values.workloadDefaults) (deepCopy $.Values.serviceDefaults) (deepCopy ($entry | default dict)) -}}
{{- $_ := set $services $name (mergeOverwrite $v (dict "callers" (dict "http" list "admin" list))) -}}
{{- end -}}
{{- range $name, $v := $services -}}
{{- range $call := ternary $v.calls dict $v.enabled -}}
{{- with index $services $call.service -}}
{{- $_ := set .callers $call.port (append (index .callers $call.port) $name | uniq) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $state := dict "services" $services "order" dict "stack" list "ends" dict -}}
{{- range $name, $_ := $services -}}
{{- if not (hasKey $state.order $name) -}}
{{- $_ := include "onetrace.drain.visit" (dict "state" $state "name" $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $services -}}
{{- end }}

{{/*
Follows the callers of a service and sets the `drain` of all of them, callers first. Services
that call each other in a cycle are one group (Tarjan's algorithm for strongly connected
components, so that the time is proportional to the number of calls). In the state:
  order  the services visited so far, each with its number
  stack  the visited services whose group is not complete
  ends   the time after SIGTERM at which the last request of a service can have ended, in seconds
Returns the lowest number of a service on the stack that can be reached from this one.
*/}}
{{- define "onetrace.drain.visit" -}}
{{- $state := .state -}}
{{- $number := len $state.order -}}
{{- $_ := set $state.order .name $number -}}
{{- $_ := set $state "stack" (append $state.stack .name) -}}
{{- $lowest := $number -}}
{{- $callers := (index $state.services .name).callers -}}
{{- range concat $callers.http $callers.admin -}}
{{- if not (hasKey $state.order .) -}}
{{- $lowest = min $lowest (include "onetrace.drain.visit" (dict "state" $state "name" .)) -}}
{{- else if has . $state.stack -}}
{{- $lowest = min $lowest (index $state.order .) -}}
{{- end -}}
{{- end -}}
{{- if eq (int $lowest) (int $number) -}}
{{- $group := list -}}
{{- $rest := list -}}
{{- range $state.stack -}}
{{- if ge (int (index $state.order .)) (int $number) }}{{ $group = append $group . }}{{ else }}{{ $rest = append $rest . }}{{ end -}}
{{- end -}}
{{- $_ := set $state "stack" $rest -}}
{{- include "onetrace.drain.group" (dict "services" $state.services "ends" $state.ends "group" $group) -}}
{{- end -}}
{{- $lowest -}}
{{- end }}

{{/*
Sets the `drain` of services that call each other, or of one service. All pods of a release
may be stopped at the same time, so a service that other services call must keep serving
until the last requests of its callers have ended.

Only the entries of a group receive requests from elsewhere: services that are public. If
no service calls the group and none of it is public, all are entries, because someone must
call them. The requests of the other services are part of those of their callers, and end
with them. An entry waits for the requests that the other entries receive within their own
delay, and no longer, because two entries would otherwise wait for each other without end.
*/}}
{{- define "onetrace.drain.group" -}}
{{- $callersEnd := 0 -}}
{{- $isCalled := false -}}
{{- $public := list -}}
{{- range $name := .group -}}
{{- $v := index $.services $name -}}
{{- if or $v.public $v.ingress.enabled $v.httpRoute.enabled }}{{ $public = append $public $name }}{{ end -}}
{{- range concat $v.callers.http $v.callers.admin -}}
{{- if not (has . $.group) -}}
{{- $isCalled = true -}}
{{- $callersEnd = max $callersEnd (index $.ends .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $entries := ternary $public .group (or $isCalled (not (empty $public))) -}}
{{- $firstEnds := dict -}}
{{- range $entries -}}
{{- $drain := (index $.services .).drain -}}
{{- $_ := set $firstEnds . (add (max $drain.delaySeconds $callersEnd) $drain.timeoutSeconds) -}}
{{- end -}}
{{- $groupEnd := $callersEnd -}}
{{- range $name := $entries -}}
{{- $drain := (index $.services $name).drain -}}
{{- $delay := max $drain.delaySeconds $callersEnd -}}
{{- range $other, $end := omit $firstEnds $name }}{{ $delay = max $delay $end }}{{ end -}}
{{- $_ := set $drain "delaySeconds" (int $delay) -}}
{{- $_ := set $.ends $name (add $delay $drain.timeoutSeconds) -}}
{{- $groupEnd = max $groupEnd (index $.ends $name) -}}
{{- end -}}
{{- range $name := .group -}}
{{- if not (has $name $entries) -}}
{{- $drain := (index $.services $name).drain -}}
{{- $_ := set $drain "delaySeconds" (max $drain.delaySeconds $groupEnd | int) -}}
{{- $_ := set $.ends $name $groupEnd -}}
{{- end -}}
{{- end -}}
{{- end }}
