{{/* What every pod's spec has beside its containers. */}}
{{- define "onetrace.podSpec" -}}
serviceAccountName: {{ include "onetrace.serviceAccountName" . }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext: {{- include "onetrace.withoutNulls" .v.podSecurityContext | nindent 2 }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .v.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "onetrace.topologySpread" -}}
{{- if .v.topologySpread -}}
topologySpreadConstraints:
  {{- range .v.topologySpread }}
  {{- list . | toYaml | nindent 2 }}
    labelSelector:
      matchLabels: {{- include "onetrace.selector" $ | nindent 8 }}
    {{- /* a StatefulSet's pods have no such label */}}
    {{- if not $.stateful }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What every container has: image, security, resources. */}}
{{- define "onetrace.container" -}}
image: {{ include "onetrace.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {{- include "onetrace.withoutNulls" .v.securityContext | nindent 2 }}
resources: {{- toYaml .v.resources | nindent 2 }}
# What a container said last is in its status, for whoever asks why it ended.
terminationMessagePolicy: FallbackToLogsOnError
{{- with .v.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
A list of variables from `env`, a list of entries in order. A later entry
replaces an earlier one of the same name, and extraEnv is the last.
*/}}
{{- define "onetrace.env" -}}
{{- $byName := dict -}}
{{- $names := list -}}
{{- range concat .env .v.extraEnv -}}
{{- if not (has .name $names) }}{{ $names = append $names .name }}{{ end -}}
{{- $_ := set $byName .name . -}}
{{- end -}}
env:
{{- range $names }}
  {{- list (index $byName .) | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{- define "onetrace.podMetadata" -}}
metadata:
  labels:
    {{- include "onetrace.podLabels" . | nindent 4 }}
    {{- with .v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge dict (.checksums | default dict) .v.podAnnotations .root.Values.commonAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* A map without the keys that values took out of it with null. */}}
{{- define "onetrace.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $kept $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end }}
