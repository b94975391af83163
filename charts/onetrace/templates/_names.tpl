{{/*
Names and labels. Most templates here take a part of the system as their context:
  root  the chart's context      name  gateway, hello, collector, sampler, jaeger, test
  kind  service, collector, ...  v     its values, merged with the defaults
*/}}

{{- define "onetrace.prefix" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of a part's objects. */}}
{{- define "onetrace.name" -}}
{{ include "onetrace.prefix" .root }}-{{ .name }}
{{- end }}

{{/* The name of what belongs to the cluster: it carries the namespace too. */}}
{{- define "onetrace.clusterName" -}}
{{- printf "%s-%s" .root.Release.Namespace (include "onetrace.name" .) | trunc 253 | trimSuffix "-" -}}
{{- end }}

{{- define "onetrace.partOf" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* What a selector finds a part by; never changes. */}}
{{- define "onetrace.selector" -}}
app.kubernetes.io/name: {{ .name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end }}

{{- define "onetrace.podLabels" -}}
{{ include "onetrace.selector" . }}
app.kubernetes.io/part-of: {{ include "onetrace.partOf" .root | quote }}
app.kubernetes.io/component: {{ .kind }}
app.kubernetes.io/version: {{ include "onetrace.version" . | replace ":" "_" | trunc 63 | trimAll "-_." | quote }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "onetrace.labels" -}}
{{ include "onetrace.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* An object's metadata; `objectName`, `suffix`, `annotations` may be given beside the context. */}}
{{- define "onetrace.metadata" -}}
metadata:
  name: {{ .objectName | default (include "onetrace.name" .) }}{{ with .suffix }}-{{ . }}{{ end }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "onetrace.labels" . | nindent 4 }}
  {{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "onetrace.version" -}}
{{- .v.image.tag | default .root.Chart.AppVersion -}}
{{- end }}

{{- define "onetrace.image" -}}
{{- $images := .root.Values.image -}}
{{- $digest := .v.image.digest -}}
{{- if not (or $digest .v.image.repository .v.image.tag) }}
{{- $digest = dig "digests" .name "" $images }}
{{- end }}
{{- with $images.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .v.image.repository | default (printf "%s/%s" (trimSuffix "/" $images.repository) .name) -}}
{{- if $digest }}@{{ $digest }}{{ else }}:{{ include "onetrace.version" . }}{{ end -}}
{{- end }}

{{- define "onetrace.serviceAccountName" -}}
{{- .v.serviceAccount.name | default (ternary (include "onetrace.name" .) "default" .v.serviceAccount.create) -}}
{{- end }}

{{/* host and port of a URL, as {host, port}. */}}
{{- define "onetrace.hostPort" -}}
{{- $url := urlParse . -}}
{{- $parts := splitList ":" $url.host -}}
host: {{ $url.hostname }}
port: {{ if gt (len $parts) 1 }}{{ last $parts }}{{ else }}{{ ternary 443 80 (eq $url.scheme "https") }}{{ end }}
{{- end }}

{{/* A value as text: 1000000, and not 1e+06. */}}
{{- define "onetrace.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}
