{{/* The components of the system: their merged values, and the addresses by which they find each other. */}}

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
