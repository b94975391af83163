{{/*
The objects of one tier of Collectors. Beside a part's context:
  files    names of the configuration files, in the order of their merging
  exports  this tier sends to Jaeger     stateful  its queue is on a volume
*/}}
{{- define "onetrace.collector.objects" -}}
{{- include "onetrace.collector.workload" . }}
{{- include "onetrace.collector.service" . }}
{{- include "onetrace.collector.config" . }}
{{- include "onetrace.serviceAccount" . }}
{{- include "onetrace.podDisruptionBudget" . }}
{{- include "onetrace.collector.networkPolicy" . }}
{{- include "onetrace.serviceMonitor" . }}
{{- end }}

{{- define "onetrace.collector.workload" }}
---
apiVersion: apps/v1
kind: {{ ternary "StatefulSet" "Deployment" .stateful }}
{{ include "onetrace.metadata" . }}
spec:
  {{- if not .v.autoscaling.enabled }}
  replicas: {{ .v.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  {{- if .stateful }}
  serviceName: {{ include "onetrace.name" . }}
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Delete
    whenScaled: Retain
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  {{- end }}
  template:
    {{- $checksums := dict "checksum/config" (include "onetrace.collector.config" . | sha256sum) }}
    {{- include "onetrace.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 4 }}
    spec:
      {{- include "onetrace.podSpec" . | nindent 6 }}
      {{- include "onetrace.topologySpread" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .v.terminationGracePeriodSeconds }}
      containers:
        - name: {{ .name }}
          {{- include "onetrace.container" . | nindent 10 }}
          args:
            {{- range .files }}
            - --config=/etc/otelcol/{{ . }}.yaml
            {{- end }}
            {{- if and .exports .v.config }}
            - --config=/etc/otelcol/values.yaml
            {{- end }}
          {{- include "onetrace.collector.env" . | nindent 10 }}
          ports:
            - name: otlp-grpc
              containerPort: 4317
            - name: otlp-http
              containerPort: 4318
            - name: health
              containerPort: 13133
            - name: metrics
              containerPort: 8888
            {{- if has "span-metrics" .metrics }}
            - name: span-metrics
              containerPort: 8889
            {{- end }}
          {{- with .v.preStopSeconds }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ . }}
          {{- end }}
          startupProbe:
            httpGet: {path: /, port: health}
            periodSeconds: 1
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /, port: health}
            periodSeconds: 5
            failureThreshold: 2
          livenessProbe:
            httpGet: {path: /, port: health}
            periodSeconds: 10
            failureThreshold: 3
          volumeMounts:
            - name: config
              mountPath: /etc/otelcol
              readOnly: true
            {{- if .stateful }}
            - name: queue
              mountPath: /var/lib/otelcol
            {{- end }}
            {{- with .v.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ include "onetrace.name" . }}
        {{- with .v.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- if .stateful }}
  {{- with .v.queue.persistence }}
  volumeClaimTemplates:
    - metadata:
        name: queue
        labels: {{- include "onetrace.selector" $ | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .size }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "onetrace.collector.env" -}}
{{- $tail := .v.tailSampling }}
{{- $env := list (dict "name" "LISTEN_HOST" "value" .root.Values.listenHost) }}
{{- with (.v.resources.limits | default dict).memory }}
{{- $env = append $env (dict "name" "GOMEMLIMIT" "value" (include "onetrace.goMemoryLimit" .)) }}
{{- end }}
{{- $bytes := ternary .v.queue.persistence.bytes .v.queue.bytes .stateful }}
{{- $env = append $env (dict "name" "QUEUE_BYTES" "value" (include "onetrace.text" $bytes)) }}
{{- if .exports }}
{{- $env = append $env (dict "name" "JAEGER_ENDPOINT" "value" (include "onetrace.jaegerEndpoint" .root)) }}
{{- $jaeger := .root.Values.jaeger }}
{{- $env = append $env (dict "name" "JAEGER_INSECURE" "value" (toString (or $jaeger.enabled $jaeger.existing.insecure))) }}
{{- else }}
{{- $env = append $env (dict "name" "TRACES_EXPORTER" "value" "load_balancing") }}
{{- $env = append $env (dict "name" "SAMPLING_HOST" "value" (printf "%s-sampler" (include "onetrace.prefix" .root))) }}
{{- end }}
{{- if and .token (not .v.kubernetesAttributes.clusterWide) }}
{{- $env = append $env (dict "name" "KUBERNETES_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace"))) }}
{{- end }}
{{- if has "collector-tail-sampling" .files }}
{{- range $name, $value := dict
  "SAMPLING_DECISION_WAIT" $tail.decisionWait
  "SAMPLING_SLOW_MS" (printf "%d" (int $tail.slowMilliseconds))
  "SAMPLING_REST_PERCENT" (toString $tail.restPercent)
  "SAMPLING_TRACES_IN_MEMORY" (printf "%d" (int $tail.tracesInMemory))
}}
{{- $env = append $env (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- include "onetrace.env" (dict "env" $env "v" .v) }}
{{- end }}

{{- define "onetrace.collector.config" }}
---
apiVersion: v1
kind: ConfigMap
{{ include "onetrace.metadata" . }}
data:
  {{- range .files }}
  {{ . }}.yaml: |
    {{- $.root.Files.Get (printf "files/%s.yaml" .) | trim | nindent 4 }}
  {{- end }}
  {{- if and .exports .v.config }}
  values.yaml: |
    {{- toYaml .v.config | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "onetrace.collector.service" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
  type: ClusterIP
  {{- if eq .name "sampler" }}
  # Each sampler's own address is what a trace is sent to.
  clusterIP: None
  {{- end }}
  selector: {{- include "onetrace.selector" . | nindent 4 }}
  ports:
    - name: otlp-grpc
      port: 4317
      targetPort: otlp-grpc
      appProtocol: grpc
    - name: otlp-http
      port: 4318
      targetPort: otlp-http
      appProtocol: http
    {{- range .metrics }}
    - name: {{ . }}
      port: {{ ternary 8888 8889 (eq . "metrics") }}
      targetPort: {{ . }}
    {{- end }}
{{- end }}

{{/* Least rights: the pods of this namespace, unless spans come from others too. */}}
{{- define "onetrace.collector.rbac" -}}
{{- $attributes := .v.kubernetesAttributes }}
{{- if $attributes.enabled }}
{{- $prefix := ternary "Cluster" "" $attributes.clusterWide }}
{{- $name := ternary (include "onetrace.clusterName" .) (include "onetrace.name" .) $attributes.clusterWide }}
{{- $metadata := include "onetrace.metadata" (merge (dict "objectName" $name) .) }}
{{- if $attributes.clusterWide }}
{{- $metadata = regexReplaceAll "\n  namespace: [^\n]+" $metadata "" }}
{{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
{{ $metadata }}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
{{ $metadata }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "onetrace.serviceAccountName" . }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
{{- end }}

{{- define "onetrace.collector.networkPolicy" }}
{{- $part := . }}
{{- $values := .root.Values }}
{{- $ingress := list }}
{{- if eq .name "sampler" }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "parts" (list "collector") "ports" (list 4317)) | fromYaml) }}
{{- else }}
{{- $services := list }}
{{- range $name, $_ := $values.services }}
{{- if (include "onetrace.service" (dict "root" $part.root "name" $name) | fromYaml).enabled }}{{ $services = append $services $name }}{{ end }}
{{- end }}
{{- if $services }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "parts" $services "ports" (list 4318)) | fromYaml) }}
{{- end }}
{{- end }}
{{- if $values.serviceMonitor.enabled }}
{{- $ports := ternary (list 8888 8889) (list 8888) (has "span-metrics" .metrics) }}
{{- $ingress = append $ingress (include "onetrace.rule" (dict "root" .root "side" "from" "peers" $values.networkPolicy.metricsFrom "ports" $ports) | fromYaml) }}
{{- end }}
{{- $egress := list }}
{{- if not .exports }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "parts" (list "sampler") "ports" (list 4317)) | fromYaml) }}
{{- else if $values.jaeger.enabled }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "parts" (list "jaeger") "ports" (list 4317)) | fromYaml) }}
{{- else }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "ports" (list (splitList ":" $values.jaeger.existing.endpoint | last))) | fromYaml) }}
{{- end }}
{{- if .token }}
{{- $egress = append $egress (include "onetrace.rule" (dict "root" .root "side" "to" "peers" $values.networkPolicy.apiServerTo "ports" $values.networkPolicy.apiServerPorts) | fromYaml) }}
{{- end }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
