{{/* The components of the system: their merged values, and the addresses by which they find each other. */}}

{{/* The values of one service, merged with the defaults. */}}
{{- define "onetrace.service" -}}
{{- $entry := index .root.Values.services .name -}}
{{- $v := mergeOverwrite (deepCopy .root.Values.workloadDefaults) (deepCopy .root.Values.serviceDefaults) (deepCopy $entry) -}}
{{- toYaml $v -}}
{{- end }}

{{/* The enabled services that call a service, by the port that they call: {http: [...], admin: [...]}. */}}
{{- define "onetrace.callers" -}}
{{- $callers := dict "http" list "admin" list -}}
{{- range $name, $_ := .root.Values.services -}}
{{- $caller := include "onetrace.service" (dict "root" $.root "name" $name) | fromYaml -}}
{{- range $caller.calls -}}
{{- if and $caller.enabled (eq .service $.name) -}}
{{- $_ := set $callers .port (append (index $callers .port) $name | uniq) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $callers -}}
{{- end }}

{{/*
How a service shuts down: its values in `drain`, with `delaySeconds` raised if necessary,
and `endSeconds`, the time after SIGTERM at which its last request can have ended.

All pods of a release may be stopped at the same time. A service that other services call
must then keep serving until the last requests of its callers have ended. If only services
of the release call it, its own requests are part of theirs and end with them.

`visited` lists the services whose callers are being followed. It ends the recursion when
a service calls back its own caller.
*/}}
{{- define "onetrace.drain" -}}
{{- $visited := append (.visited | default list) .name -}}
{{- $v := include "onetrace.service" . | fromYaml -}}
{{- $callers := include "onetrace.callers" . | fromYaml -}}
{{- $callers = concat $callers.http $callers.admin -}}
{{- $callersEnd := 0 -}}
{{- range $callers -}}
{{- if not (has . $visited) -}}
{{- $caller := include "onetrace.drain" (dict "root" $.root "name" . "visited" $visited) | fromYaml -}}
{{- $callersEnd = max $callersEnd $caller.endSeconds -}}
{{- end -}}
{{- end -}}
{{- $delay := max $v.drain.delaySeconds $callersEnd -}}
{{- $hasOtherCallers := or $v.public $v.ingress.enabled $v.httpRoute.enabled (not $callers) -}}
{{- $end := ternary (add $delay $v.drain.timeoutSeconds) $callersEnd $hasOtherCallers -}}
{{- mergeOverwrite $v.drain (dict "delaySeconds" (int $delay) "endSeconds" (int $end)) | toYaml -}}
{{- end }}

{{/* The OTEL_* settings of one service. */}}
{{- define "onetrace.otel" -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.otel) (deepCopy .v.otel)) -}}
{{- end }}

{{/* The OTLP endpoint to which a service sends its spans. */}}
{{- define "onetrace.otlpEndpoint" -}}
{{- $otel := include "onetrace.otel" . | fromYaml -}}
{{- $own := printf "http://%s-collector:4318" (include "onetrace.prefix" .root) -}}
{{- $otel.OTEL_EXPORTER_OTLP_ENDPOINT | default $own -}}
{{- end }}

{{- define "onetrace.jaegerEndpoint" -}}
{{- if .Values.jaeger.enabled -}}
{{ include "onetrace.prefix" . }}-jaeger:4317
{{- else -}}
{{ .Values.jaeger.existing.endpoint }}
{{- end -}}
{{- end }}

{{- define "onetrace.jaegerQueryUrl" -}}
{{- if .Values.jaeger.enabled -}}
http://{{ include "onetrace.prefix" . }}-jaeger:16686{{ trimSuffix "/" .Values.jaeger.basePath }}
{{- else -}}
{{ .Values.jaeger.existing.queryUrl }}
{{- end -}}
{{- end }}

{{/* GOMEMLIMIT for a memory limit: 80 % of it, in bytes, so that Go's garbage collector stays below the limit. */}}
{{- define "onetrace.goMemoryLimit" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "k" 1000 "M" 1000000 "G" 1000000000 -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if or (eq $unit "") (hasKey $units $unit) -}}
{{- mulf (float64 $number) (index $units $unit | default 1) 0.8 | floor | int64 -}}
{{- else -}}
{{- fail (printf "resources.limits.memory: invalid quantity %q; use one of the units Ki, Mi, Gi, k, M and G" $text) -}}
{{- end -}}
{{- end }}
