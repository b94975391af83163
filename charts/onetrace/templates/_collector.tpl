{{/*
The objects of one tier of Collectors. In addition to the component, the context contains:
  files     the names of the configuration files, in the order in which they are merged
  exports   this tier exports to Jaeger
  stateful  the queue of this tier is on a volume
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
  revisionHistoryLimit: {{ .v.revisionHistoryLimit }}
  {{- if not .v.autoscaling.enabled }}
  replicas: {{ .v.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "onetrace.selector" . | nindent 6 }}
  {{- if .stateful }}
  serviceName: {{ include "onetrace.name" . | quote }}
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Delete
    whenScaled: Retain
  {{- else }}
  strategy: {{- include "onetrace.rollingUpdate" . | nindent 4 }}
  {{- end }}
  template:
    {{- $checksums := dict "checksum/config" (include "onetrace.collector.files" . | sha256sum) }}
    {{- include "onetrace.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 4 }}
    spec:
      {{- include "onetrace.podSpec" . | nindent 6 }}
      {{- include "onetrace.topologySpread" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .v.terminationGracePeriodSeconds }}
      containers:
        - name: {{ .name | quote }}
          {{- include "onetrace.container" . | nindent 10 }}
          args:
            {{- range .files }}
            - --config=/etc/otelcol/{{ . }}.yaml
            {{- end }}
            {{- if .v.config }}
            - --config=/etc/otelcol/values.yaml
            {{- end }}
          {{- $env := include "onetrace.collector.env" . | fromYamlArray }}
          {{- include "onetrace.env" (dict "env" $env "v" .v) | nindent 10 }}
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
          {{- include "onetrace.preStop" . | nindent 10 }}
          startupProbe:
            httpGet: {path: /, port: health}
            periodSeconds: 1
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /, port: health}
            periodSeconds: 5
            failureThreshold: 2
          {{- include "onetrace.liveness" . | nindent 10 }}
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
        {{- with .v.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ include "onetrace.name" . | quote }}
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
        storageClassName: {{ . | quote }}
        {{- end }}
        resources:
          requests:
            storage: {{ include "onetrace.text" .size | quote }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The variables that the configuration files refer to. */}}
{{- define "onetrace.collector.env" -}}
{{- $jaeger := .root.Values.jaeger -}}
- name: LISTEN_HOST
  value: {{ .root.Values.listenHost | quote }}
{{- with (.v.resources.limits | default dict).memory }}
- name: GOMEMLIMIT
  value: {{ include "onetrace.goMemoryLimit" . | quote }}
{{- end }}
- name: QUEUE_BYTES
  value: {{ ternary .v.queue.persistence.bytes .v.queue.bytes .stateful | include "onetrace.text" | quote }}
{{- $batch := include "onetrace.collector.batch" . | fromYaml }}
- name: BATCH_MAX_SPANS
  value: {{ $batch.maxSpans | quote }}
- name: BATCH_MIN_SPANS
  value: {{ div (int $batch.maxSpans) 4 | max 1 | quote }}
- name: EXPORT_TIMEOUT
  value: {{ $batch.timeout | quote }}
{{- if .exports }}
- name: JAEGER_ENDPOINT
  value: {{ include "onetrace.jaegerEndpoint" .root | quote }}
- name: JAEGER_INSECURE
  value: {{ or $jaeger.enabled $jaeger.existing.insecure | quote }}
{{- else }}
- name: TRACES_EXPORTER
  value: load_balancing
- name: SAMPLING_HOST
  value: {{ include "onetrace.prefix" .root }}-sampler
{{- end }}
{{- if and .mountToken (not .v.kubernetesAttributes.clusterWide) }}
- name: KUBERNETES_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}
{{- if has "collector-tail-sampling" .files }}
{{- with .v.tailSampling }}
- name: SAMPLING_DECISION_WAIT
  value: {{ .decisionWait | quote }}
- name: SAMPLING_REST_PERCENT
  value: {{ .restPercent | toString | quote }}
- name: SAMPLING_SLOW_MS
  value: {{ .slowMilliseconds | int | quote }}
- name: SAMPLING_TRACES_IN_MEMORY
  value: {{ include "onetrace.collector.tracesInMemory" . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The batches to Jaeger: maxSpans and timeout, as YAML. Cassandra writes spans one at a time, about 40 per second. */}}
{{- define "onetrace.collector.batch" -}}
{{- $storage := .root.Values.jaeger.storage -}}
{{- $isSlow := and .root.Values.jaeger.enabled (eq $storage.type "external") (hasKey $storage.external.backend "cassandra") -}}
maxSpans: {{ .v.batch.maxSpans | default (ternary 200 1000 $isSlow) | int }}
timeout: {{ .v.batch.timeout | default (ternary "30s" "10s" $isSlow) | quote }}
{{- end }}

{{/*
The maximum number of undecided traces of a sampler. By default one per KiB of its memory
limit. A trace needs about 2 KiB at least, so that the sampler refuses spans for want of
memory, which their senders keep, before it reaches this number and drops traces.
*/}}
{{- define "onetrace.collector.tracesInMemory" -}}
{{- $limit := (.resources.limits | default dict).memory -}}
{{- if .tracesInMemory -}}
{{- int .tracesInMemory -}}
{{- else if $limit -}}
{{- div (include "onetrace.bytes" $limit | int64) 1024 -}}
{{- else -}}
1000000
{{- end -}}
{{- end }}

{{- define "onetrace.collector.config" }}
---
apiVersion: v1
kind: ConfigMap
{{ include "onetrace.metadata" . }}
data: {{- include "onetrace.collector.files" . | trim | nindent 2 }}
{{- end }}

{{/* The configuration files. Their checksum is an annotation of the pods, so that a change replaces them. */}}
{{- define "onetrace.collector.files" -}}
{{- range .files }}
{{ . }}.yaml: |
  {{- $.root.Files.Get (printf "files/%s.yaml" .) | trim | nindent 2 }}
{{- end }}
{{- with .v.config }}
values.yaml: |
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "onetrace.collector.service" }}
---
apiVersion: v1
kind: Service
{{ include "onetrace.metadata" (merge (dict "annotations" .v.service.annotations) .) }}
spec:
  {{- include "onetrace.serviceSpec" . | nindent 2 }}
  type: ClusterIP
  {{- if eq .name "sampler" }}
  # Headless: the first tier selects a sampler by its own address.
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
    - name: {{ . | quote }}
      port: {{ ternary 8888 8889 (eq . "metrics") }}
      targetPort: {{ . }}
    {{- end }}
{{- end }}

{{/* Permission to read pods: in this namespace, or with clusterWide in all namespaces. */}}
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
  name: {{ $name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "onetrace.serviceAccountName" . | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
{{- end }}

{{/* Spans from the services (or the first tier) to Jaeger (or the second tier); scrapes; the Kubernetes API. */}}
{{- define "onetrace.collector.networkPolicy" }}
{{- $values := .root.Values }}
{{- $senders := list }}
{{- $senderPorts := list 4317 4318 }}
{{- if eq .name "sampler" }}
{{- $senders = list "collector" }}
{{- $senderPorts = list 4317 }}
{{- else }}
{{- range $name, $v := include "onetrace.services" .root | fromYaml }}
{{- if $v.enabled }}{{ $senders = append $senders $name }}{{ end }}
{{- end }}
{{- end }}

{{- $ingress := list }}
{{- if $senders }}
{{- $ingress = append $ingress (dict "components" $senders "ports" $senderPorts) }}
{{- end }}
{{- if $values.serviceMonitor.enabled }}
{{- $ports := ternary (list 8888 8889) (list 8888) (has "span-metrics" .metrics) }}
{{- $ingress = append $ingress (dict "peers" $values.networkPolicy.metricsFrom "ports" $ports) }}
{{- end }}

{{- $egress := list }}
{{- if not .exports }}
{{- $egress = append $egress (dict "components" (list "sampler") "ports" (list 4317)) }}
{{- else if $values.jaeger.enabled }}
{{- $egress = append $egress (dict "components" (list "jaeger") "ports" (list 4317)) }}
{{- else }}
{{- $jaeger := include "onetrace.hostPort" $values.jaeger.existing.endpoint | fromYaml }}
{{- $egress = append $egress (dict "peers" $values.networkPolicy.otlpTo "ports" (list $jaeger.port)) }}
{{- end }}
{{- $ports := list }}
{{- range include "onetrace.collector.endpoints" .v | fromYamlArray }}
{{- $ports = append $ports ((include "onetrace.hostPort" . | fromYaml).port | int) }}
{{- end }}
{{- with without (uniq $ports) 0 }}
{{- $egress = append $egress (dict "peers" $values.networkPolicy.otlpTo "ports" .) }}
{{- end }}
{{- if .mountToken }}
{{- $egress = append $egress (dict "peers" $values.networkPolicy.apiServerTo "ports" $values.networkPolicy.apiServerPorts) }}
{{- end }}
{{- include "onetrace.networkPolicy" (merge (dict "ingress" $ingress "egress" $egress) .) }}
{{- end }}
