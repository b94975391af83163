{{/* Objects that have the same form for every component. */}}

{{- define "onetrace.serviceAccount" -}}
{{- if .v.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
{{ include "onetrace.metadata" (merge (dict "objectName" (include "onetrace.serviceAccountName" .) "annotations" .v.serviceAccount.annotations) .) }}
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{/* The fields that the Services of all components share. */}}
{{- define "onetrace.serviceSpec" -}}
{{- with .v.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .v.service.ipFamilies }}
ipFamilies: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.service.trafficDistribution }}
trafficDistribution: {{ . }}
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
  # A pod that is not ready serves no requests, so it must not block the drain of a node.
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
    name: {{ include "onetrace.name" . | quote }}
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

{{/* Requires `port`: the name and number of the port of the Service. */}}
{{- define "onetrace.ingress" -}}
{{- with .v.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
{{ include "onetrace.metadata" (merge (dict "annotations" .annotations) $) }}
spec:
  {{- with .className }}
  ingressClassName: {{ . | quote }}
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
          - path: {{ .path | quote }}
            pathType: {{ .pathType | default "Prefix" }}
            backend:
              service:
                name: {{ include "onetrace.name" $ | quote }}
                port:
                  name: {{ $.port.name | quote }}
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Requires `port`: the name and number of the port of the Service. */}}
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
        - name: {{ include "onetrace.name" $ | quote }}
          port: {{ $.port.number }}
{{- end }}
{{- end }}
{{- end }}

{{/* Requires `metrics`: the names of the ports that serve /metrics. */}}
{{- define "onetrace.serviceMonitor" -}}
{{- with .root.Values.serviceMonitor }}
{{- if .enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "onetrace.name" $ | quote }}
  namespace: {{ $.root.Release.Namespace | quote }}
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
      interval: {{ $.root.Values.serviceMonitor.interval | quote }}
      scrapeTimeout: {{ $.root.Values.serviceMonitor.scrapeTimeout | quote }}
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
Requires `ingress` and `egress`: lists of the rules of onetrace.networkPolicyRule. Denied
is everything except these, extraIngress and extraEgress of the values, and DNS.
*/}}
{{- define "onetrace.networkPolicy" -}}
{{- if .root.Values.networkPolicy.enabled }}
{{- $ingress := list }}
{{- range .ingress }}
{{- $ingress = append $ingress (include "onetrace.networkPolicyRule" (merge (dict "root" $.root "side" "from") .) | fromYaml) }}
{{- end }}
{{- $dnsPorts := list }}
{{- range .root.Values.networkPolicy.dnsPorts }}
{{- $dnsPorts = concat $dnsPorts (list (dict "port" (int .) "protocol" "UDP") (dict "port" (int .) "protocol" "TCP")) }}
{{- end }}
{{- $dns := dict "ports" $dnsPorts }}
{{- with .root.Values.networkPolicy.dnsTo }}{{ $_ := set $dns "to" . }}{{ end }}
{{- $egress := list $dns }}
{{- range .egress }}
{{- $egress = append $egress (include "onetrace.networkPolicyRule" (merge (dict "root" $.root "side" "to") .) | fromYaml) }}
{{- end }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "onetrace.metadata" . }}
spec:
  podSelector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with concat $ingress .v.networkPolicy.extraIngress }}
  ingress: {{- toYaml . | nindent 4 }}
  {{- end }}
  egress: {{- toYaml (concat $egress .v.networkPolicy.extraEgress) | nindent 4 }}
{{- end }}
{{- end }}

{{/*
One rule, for the `side` "from" or "to":
  ports       TCP ports, by number
  components  the names of components, whose pods are allowed
  peers       further NetworkPolicy peers. Without components and peers, any address is allowed
*/}}
{{- define "onetrace.networkPolicyRule" -}}
{{- $peers := .peers | default list -}}
{{- range .components -}}
{{- $peers = append $peers (dict "podSelector" (dict "matchLabels" (include "onetrace.selector" (dict "root" $.root "name" .) | fromYaml))) -}}
{{- end -}}
{{- $ports := list -}}
{{- range .ports }}{{ $ports = append $ports (dict "port" (int .) "protocol" "TCP") }}{{ end -}}
{{- $rule := dict "ports" $ports -}}
{{- if $peers }}{{ $_ := set $rule .side $peers }}{{ end -}}
{{- toYaml $rule -}}
{{- end }}
