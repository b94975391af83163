{{/* Objects that every part of the system has in the same form. */}}

{{- define "onetrace.serviceAccount" -}}
{{- if .v.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
{{ include "onetrace.metadata" (merge (dict "objectName" (include "onetrace.serviceAccountName" .) "annotations" .v.serviceAccount.annotations) .) }}
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{- define "onetrace.podDisruptionBudget" -}}
{{- if .v.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "onetrace.metadata" . }}
spec:
  maxUnavailable: {{ .v.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready serves nobody: it must not hold up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "onetrace.autoscaler" -}}
{{- if .v.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{ include "onetrace.metadata" . }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: {{ ternary "StatefulSet" "Deployment" (.stateful | default false) }}
    name: {{ include "onetrace.name" . }}
  minReplicas: {{ .v.autoscaling.minReplicas }}
  maxReplicas: {{ .v.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .v.autoscaling.targetCPUUtilizationPercentage }}
    {{- with .v.autoscaling.metrics }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .v.autoscaling.behavior }}
  behavior: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Takes `port`, a name and number of the Service's port. */}}
{{- define "onetrace.ingress" -}}
{{- with .v.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
{{ include "onetrace.metadata" (merge (dict "annotations" .annotations) $) }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .tls }}
  tls: {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    {{- range .hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .pathType | default "Prefix" }}
            backend:
              service:
                name: {{ include "onetrace.name" $ }}
                port:
                  name: {{ $.port.name }}
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "onetrace.httpRoute" -}}
{{- with .v.httpRoute }}
{{- if .enabled }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
{{ include "onetrace.metadata" (merge (dict "annotations" .annotations) $) }}
spec:
  parentRefs: {{- toYaml .parentRefs | nindent 4 }}
  {{- with .hostnames }}
  hostnames: {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    - matches: {{- toYaml .matches | nindent 8 }}
      {{- with .filters }}
      filters: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .timeouts }}
      timeouts: {{- toYaml . | nindent 8 }}
      {{- end }}
      backendRefs:
        - name: {{ include "onetrace.name" $ }}
          port: {{ $.port.number }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes `metrics`, the names of the ports that serve /metrics. */}}
{{- define "onetrace.serviceMonitor" -}}
{{- with .root.Values.serviceMonitor }}
{{- if .enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "onetrace.name" $ }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "onetrace.labels" $ | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels: {{- include "onetrace.selector" $ | nindent 6 }}
  endpoints:
    {{- range $.metrics }}
    - port: {{ . }}
      path: /metrics
      interval: {{ $.root.Values.serviceMonitor.interval }}
      scrapeTimeout: {{ $.root.Values.serviceMonitor.scrapeTimeout }}
      {{- with $.root.Values.serviceMonitor.relabelings }}
      relabelings: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $.root.Values.serviceMonitor.metricRelabelings }}
      metricRelabelings: {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Takes `ingress` and `egress`, lists of rules. What is not in them, nor in the
values' extra rules, nor a name's resolution, is denied.
*/}}
{{- define "onetrace.networkPolicy" -}}
{{- if .root.Values.networkPolicy.enabled }}
{{- $dns := dict "to" .root.Values.networkPolicy.dnsTo "ports" (list (dict "port" 53 "protocol" "UDP") (dict "port" 53 "protocol" "TCP")) }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "onetrace.metadata" . }}
spec:
  podSelector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with concat .ingress .v.networkPolicy.extraIngress }}
  ingress: {{- toYaml . | nindent 4 }}
  {{- end }}
  egress: {{- toYaml (concat (list $dns) .egress .v.networkPolicy.extraEgress) | nindent 4 }}
{{- end }}
{{- end }}

{{/* A NetworkPolicy rule {peers, ports} from `side` (from, to), `parts` (names) or `peers`, and `ports`. */}}
{{- define "onetrace.rule" -}}
{{- $peers := .peers | default list -}}
{{- range .parts -}}
{{- $peers = append $peers (dict "podSelector" (dict "matchLabels" (include "onetrace.selector" (dict "root" $.root "name" .) | fromYaml))) -}}
{{- end -}}
{{- $ports := list -}}
{{- range .ports }}{{ $ports = append $ports (dict "port" (int .) "protocol" "TCP") }}{{ end -}}
{{- $rule := dict "ports" $ports -}}
{{- if $peers }}{{ $_ := set $rule .side $peers }}{{ end -}}
{{- toYaml $rule -}}
{{- end }}
