{{/* Pods and containers: the fields that all components share. */}}

{{/* The pod spec without containers and volumes. `mountToken` mounts the ServiceAccount's token. */}}
{{- define "onetrace.podSpec" -}}
serviceAccountName: {{ include "onetrace.serviceAccountName" . }}
automountServiceAccountToken: {{ .mountToken | default false }}
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
    {{- /* Pods of a StatefulSet do not have the label pod-template-hash. */}}
    {{- if not $.stateful }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The update strategy of Deployments: start a new pod before an old one is stopped. */}}
{{- define "onetrace.rollingUpdate" -}}
type: RollingUpdate
rollingUpdate:
  maxUnavailable: 0
  maxSurge: 1
{{- end }}

{{/* The container fields that all components share. */}}
{{- define "onetrace.container" -}}
image: {{ include "onetrace.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {{- include "onetrace.withoutNulls" .v.securityContext | nindent 2 }}
resources: {{- toYaml .v.resources | nindent 2 }}
# If the container fails, its status contains the end of its log.
terminationMessagePolicy: FallbackToLogsOnError
{{- with .v.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Keeps a container running for some seconds, in which its address is removed from the Service. */}}
{{- define "onetrace.preStop" -}}
{{- with .v.preStopSeconds -}}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end }}

{{/*
The environment variables of a container: the list `env`, then extraEnv. Of entries
with the same name, the last one is used.
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

{{/* The metadata of a pod. Optional, in addition to the component: `checksums`, which are annotations. */}}
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

{{/* A map without the keys that the values set to null. */}}
{{- define "onetrace.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $kept $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end }}
