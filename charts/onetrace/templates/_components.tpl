{{/* The components of the system: their merged values, and the addresses by which they find each other. */}}

{{/* The OTEL_* settings of one service. */}}
{{- define "onetrace.otel" -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.otel) (deepCopy .v.otel)) -}}
{{- end }}

{{/* The OTLP endpoint of this chart's Collector. */}}
{{- define "onetrace.otlpEndpoint" -}}
{{- $otel := include "onetrace.otel" . | fromYaml -}}
{{- $own := printf "http://%s-collector:4318" (include "onetrace.prefix" .root) -}}
{{- $otel.OTEL_EXPORTER_OTLP_ENDPOINT | default $own -}}
{{- end }}

{{/*
The URL to which a service really sends its spans: in any variable and from any value that
sets it. Empty if it is known only in the cluster, for example if it is in a Secret.
*/}}
{{- define "onetrace.service.endpoint" -}}
{{- $byName := dict -}}
{{- range concat (include "onetrace.service.env" . | fromYamlArray) .v.extraEnv }}{{ $_ := set $byName .name . }}{{ end -}}
{{- $entry := index $byName "OTEL_EXPORTER_OTLP_ENDPOINT" -}}
{{- with index $byName "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" -}}
{{- if or .value .valueFrom }}{{ $entry = . }}{{ end -}}
{{- end -}}
{{- $url := $entry.value | default "" -}}
{{- range $name, $entry := $byName -}}
{{- with $entry.value }}{{ $url = replace (printf "$(%s)" $name) (toString .) $url }}{{ end -}}
{{- end -}}
{{- $url -}}
{{- end }}

{{/* The endpoints of exporters that the values add to a Collector, as a YAML list. */}}
{{- define "onetrace.collector.endpoints" -}}
{{- $endpoints := list -}}
{{- range .config.exporters -}}
{{- range compact (list (dig "endpoint" "" (. | default dict)) (dig "traces_endpoint" "" (. | default dict))) -}}
{{- $endpoints = append $endpoints . -}}
{{- end -}}
{{- end -}}
{{- toYaml $endpoints -}}
{{- end }}

{{/* The ports of the external store, as a YAML list of numbers. */}}
{{- define "onetrace.jaeger.storePorts" -}}
{{- $ports := list -}}
{{- if .port -}}
{{- $ports = list (int .port) -}}
{{- else -}}
{{- range $store := .backend -}}
{{- range concat ($store.server_urls | default list) ($store.addresses | default list) (compact (list $store.endpoint)) -}}
{{- $ports = append $ports ((include "onetrace.hostPort" . | fromYaml).port | int) -}}
{{- end -}}
{{- with $store.connection }}{{ $ports = append $ports (.port | default 9042 | int) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- without (uniq $ports) 0 | toYaml -}}
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
{{- div (mul (include "onetrace.bytes" . | int64) 8) 10 -}}
{{- end }}

{{/* The bytes of a quantity. */}}
{{- define "onetrace.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $text := include "onetrace.text" . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if or (eq $unit "") (hasKey $units $unit) -}}
{{- mulf (float64 $number) (index $units $unit | default 1) | floor | int64 -}}
{{- else -}}
{{- fail (printf "resources.limits.memory: invalid quantity %q; use one of the units Ki, Mi, Gi, Ti, k, M, G and T" $text) -}}
{{- end -}}
{{- end }}

{{/* The seconds of a duration such as 1m30s, rounded up. */}}
{{- define "onetrace.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+[a-z]+" . -1 -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- $seconds = addf $seconds (mulf (float64 $number) (index $units (trimPrefix $number .))) -}}
{{- end -}}
{{- ceil $seconds | int -}}
{{- end }}
