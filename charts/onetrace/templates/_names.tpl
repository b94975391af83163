{{/*
Names and labels. Most templates take a component as their context:
  root  the context of the chart    name  gateway, hello, collector, sampler, jaeger or test
  kind  service, collector, ...     v     the values of the component, merged with the defaults
*/}}

{{- define "onetrace.prefix" -}}
{{- $name := .Values.fullnameOverride | default (include "onetrace.instanceName" .) -}}
{{- include "onetrace.shortened" (dict "text" $name "length" 40) -}}
{{- end }}

{{/* The value of the label app.kubernetes.io/instance. */}}
{{- define "onetrace.instance" -}}
{{- include "onetrace.shortened" (dict "text" (include "onetrace.instanceName" .) "length" 63) -}}
{{- end }}

{{/* The name of the release. As a dependency of another chart, with the name or alias of this chart, which may be there twice. */}}
{{- define "onetrace.instanceName" -}}
{{- .Release.Name }}{{ if not .Chart.IsRoot }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{/* `text`, in at most `length` characters. A hash keeps texts different that are longer. */}}
{{- define "onetrace.shortened" -}}
{{- if gt (len .text) (int .length) -}}
{{- .text | trunc (sub .length 9 | int) | trimSuffix "-" }}-{{ sha256sum .text | trunc 8 -}}
{{- else -}}
{{- .text -}}
{{- end -}}
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
app.kubernetes.io/instance: {{ include "onetrace.instance" .root | quote }}
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
  name: {{ printf "%s%s" (.objectName | default (include "onetrace.name" .)) (ternary (printf "-%s" .suffix) "" (hasKey . "suffix")) | quote }}
  namespace: {{ .root.Release.Namespace | quote }}
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

{{/*
The host and port of a URL or of host:port, as YAML {host, port}. The port is 0 if it is
known only in the cluster: a reference such as $(NAME) or ${env:NAME}.
*/}}
{{- define "onetrace.hostPort" -}}
{{- $scheme := regexFind "^[a-z]+:///?" . -}}
{{- $authority := trimPrefix $scheme . | regexFind "^(\\$\\{[^}]*\\}|[^/?#])*" | regexFind "[^@]*$" -}}
{{- $port := regexFind ":[0-9]+$" $authority -}}
{{- $byScheme := get (dict "http://" 80) $scheme | default 443 -}}
{{- $isUnknown := regexMatch "(^|:)\\$[({][^/]*$" $authority -}}
host: {{ trimSuffix $port $authority | trimPrefix "[" | trimSuffix "]" | quote }}
port: {{ trimPrefix ":" $port | default (ternary 0 $byScheme $isUnknown) }}
{{- end }}

{{/* A value as text. Helm parses numbers as floats; this writes 1000000 instead of 1e+06. */}}
{{- define "onetrace.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}
