{{/*
Names and labels. Most templates take a component as their context:
  root  the context of the chart    name  gateway, hello, collector, sampler, jaeger or test
  kind  service, collector, ...     v     the values of the component, merged with the defaults
*/}}

{{- define "onetrace.prefix" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The name of the objects of a component. */}}
{{- define "onetrace.name" -}}
{{ include "onetrace.prefix" .root }}-{{ .name }}
{{- end }}

{{/* The name of cluster-scoped objects. It contains the namespace, so that releases do not collide. */}}
{{- define "onetrace.clusterName" -}}
{{- printf "%s-%s" .root.Release.Namespace (include "onetrace.name" .) | trunc 253 | trimSuffix "-" -}}
{{- end }}

{{- define "onetrace.partOf" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The labels that select the pods of a component. They must never change: selectors are immutable. */}}
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

{{/* The metadata of an object. Optional, in addition to the component: `objectName`, `suffix`, `annotations`. */}}
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

{{/* The host and port of a URL, as YAML {host, port}. */}}
{{- define "onetrace.hostPort" -}}
{{- $url := urlParse . -}}
{{- $parts := splitList ":" $url.host -}}
host: {{ $url.hostname }}
port: {{ if gt (len $parts) 1 }}{{ last $parts }}{{ else }}{{ ternary 443 80 (eq $url.scheme "https") }}{{ end }}
{{- end }}

{{/* A value as text. Helm parses numbers as floats; this writes 1000000 instead of 1e+06. */}}
{{- define "onetrace.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}
