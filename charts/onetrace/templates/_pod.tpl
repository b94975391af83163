{{/* Pods and containers: the fields that all components share. */}}

{{/* The pod spec without containers and volumes. `mountToken` mounts the ServiceAccount's token. */}}
{{- define "onetrace.podSpec" -}}
serviceAccountName: {{ include "onetrace.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .mountToken | default false }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext: {{- include "onetrace.withoutNulls" .v.podSecurityContext | nindent 2 }}
{{- with .v.dnsConfig }}
dnsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.initContainers }}
initContainers: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . | quote }}
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
image: {{ include "onetrace.image" . | quote }}
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
Whether the process still serves HTTP. Not the health port of a Collector or Jaeger, which
also reports that it cannot work at the moment: a restart would not help, and lose its queue.
*/}}
{{- define "onetrace.liveness" -}}
livenessProbe:
  httpGet: {path: /metrics, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/*
The environment variables of a container: the list `env`, then extraEnv. Of entries
with the same name, the last one is used. Kubernetes expands $(NAME) only if NAME is
an earlier variable, so an entry comes after those that its value refers to.
*/}}
{{- define "onetrace.env" -}}
{{- $byName := dict -}}
{{- $names := list -}}
{{- range concat .env .v.extraEnv -}}
{{- $names = append $names .name | uniq -}}
{{- $_ := set $byName .name . -}}
{{- end -}}
{{- $state := dict "byName" $byName "visited" dict "entries" list -}}
{{- range $names -}}
{{- include "onetrace.env.add" (dict "state" $state "name" .) -}}
{{- end -}}
env: {{- toYaml $state.entries | nindent 2 }}
{{- end }}

{{/* Adds a variable to `entries` of the state, after the variables that it refers to. */}}
{{- define "onetrace.env.add" -}}
{{- $state := .state -}}
{{- if and (hasKey $state.byName .name) (not (hasKey $state.visited .name)) -}}
{{- $_ := set $state.visited .name true -}}
{{- $entry := index $state.byName .name -}}
{{- range regexFindAll "\\$\\([^()]+\\)" (toString $entry.value) -1 -}}
{{- include "onetrace.env.add" (dict "state" $state "name" (trimPrefix "$(" . | trimSuffix ")")) -}}
{{- end -}}
{{- $_ := set $state "entries" (append $state.entries $entry) -}}
{{- end -}}
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
