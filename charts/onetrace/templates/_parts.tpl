{{/* The parts of the system, each as the context that other templates take. */}}

{{- define "onetrace.service" -}}
{{- $entry := index .root.Values.services .name -}}
{{- $v := mergeOverwrite (deepCopy .root.Values.workloadDefaults) (deepCopy .root.Values.serviceDefaults) (deepCopy $entry) -}}
{{- toYaml $v -}}
{{- end }}

{{/*
How a service stops: its `drain`, with a delay that outlasts its callers when all are
stopped at once, and `endSeconds`, when the last request can have ended. Whoever is called
by others of the release alone has only requests that are part of theirs, and these end
with them. `within` has the services that this is asked for: a service which calls back
its own caller does not keep it waiting.
*/}}
{{- define "onetrace.drain" -}}
{{- $within := append (.within | default list) .name -}}
{{- $v := include "onetrace.service" . | fromYaml -}}
{{- $callers := list -}}
{{- range $name, $_ := .root.Values.services -}}
{{- $caller := include "onetrace.service" (dict "root" $.root "name" $name) | fromYaml -}}
{{- range $caller.calls -}}
{{- if and $caller.enabled (eq .service $.name) }}{{ $callers = append $callers $name | uniq }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $callersEnd := 0 -}}
{{- range $callers -}}
{{- if not (has . $within) -}}
{{- $caller := include "onetrace.drain" (dict "root" $.root "name" . "within" $within) | fromYaml -}}
{{- $callersEnd = max $callersEnd $caller.endSeconds -}}
{{- end -}}
{{- end -}}
{{- $delay := max $v.drain.delaySeconds $callersEnd -}}
{{- $isEntry := or $v.public $v.ingress.enabled $v.httpRoute.enabled (not $callers) -}}
{{- $end := ternary (add $delay $v.drain.timeoutSeconds) $callersEnd $isEntry -}}
{{- mergeOverwrite $v.drain (dict "delaySeconds" (int $delay) "endSeconds" (int $end)) | toYaml -}}
{{- end }}

{{- define "onetrace.otel" -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.otel) (deepCopy .v.otel)) -}}
{{- end }}

{{/* Where a service sends its spans. */}}
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

{{/* 80 % of a memory limit in bytes, for Go's garbage collector to stay below it. */}}
{{- define "onetrace.goMemoryLimit" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "k" 1000 "M" 1000000 "G" 1000000000 -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if or (eq $unit "") (hasKey $units $unit) -}}
{{- mulf (float64 $number) (index $units $unit | default 1) 0.8 | floor | int64 -}}
{{- else -}}
{{- fail (printf "resources.limits.memory: %q is not understood; write it with Ki, Mi, Gi, k, M or G" $text) -}}
{{- end -}}
{{- end }}
