/**
 * Field numbers of Kubernetes' protobuf messages, one message a line: what `kubectl create` and Go's typed clients send,
 * and what some of them want to be answered with. A list of a kind is `metadata` and `items`, and has no line.
 *
 * `group.Message field=number` with a mark and a type: `*` repeated, `%` map with string keys, `?` a pointer in Go (present even when
 * zero), `~` inlined in JSON; `s` string, `i` integer, `b` boolean, `y` bytes, `d` double, else a message of the same group or of
 * the one before the dot.
 */
export const MESSAGES = `
admissionregistration.ApplyConfiguration expression=1s
admissionregistration.AuditAnnotation key=1s valueExpression=2s
admissionregistration.ExpressionWarning fieldRef=2s warning=3s
admissionregistration.JSONPatch expression=1s
admissionregistration.MatchCondition name=1s expression=2s
admissionregistration.MatchResources namespaceSelector=1?meta.LabelSelector objectSelector=2?meta.LabelSelector resourceRules=3*NamedRuleWithOperations excludeResourceRules=4*NamedRuleWithOperations matchPolicy=7?s
admissionregistration.MutatingAdmissionPolicy metadata=1meta.ObjectMeta spec=2MutatingAdmissionPolicySpec
admissionregistration.MutatingAdmissionPolicyBinding metadata=1meta.ObjectMeta spec=2MutatingAdmissionPolicyBindingSpec
admissionregistration.MutatingAdmissionPolicyBindingSpec policyName=1s paramRef=2?ParamRef matchResources=3?MatchResources
admissionregistration.MutatingAdmissionPolicySpec paramKind=1?ParamKind matchConstraints=2?MatchResources variables=3*Variable mutations=4*Mutation failurePolicy=5?s matchConditions=6*MatchCondition reinvocationPolicy=7s
admissionregistration.MutatingWebhook name=1s clientConfig=2WebhookClientConfig rules=3*RuleWithOperations failurePolicy=4?s matchPolicy=9?s namespaceSelector=5?meta.LabelSelector objectSelector=11?meta.LabelSelector sideEffects=6?s timeoutSeconds=7?i admissionReviewVersions=8*s reinvocationPolicy=10?s matchConditions=12*MatchCondition
admissionregistration.MutatingWebhookConfiguration metadata=1meta.ObjectMeta webhooks=2*MutatingWebhook
admissionregistration.Mutation patchType=2s applyConfiguration=3?ApplyConfiguration jsonPatch=4?JSONPatch
admissionregistration.NamedRuleWithOperations resourceNames=1*s ruleWithOperations=2~RuleWithOperations
admissionregistration.ParamKind apiVersion=1s kind=2s
admissionregistration.ParamRef name=1s namespace=2s selector=3?meta.LabelSelector parameterNotFoundAction=4?s
admissionregistration.Rule apiGroups=1*s apiVersions=2*s resources=3*s scope=4?s
admissionregistration.RuleWithOperations operations=1*s rule=2~Rule
admissionregistration.ServiceReference namespace=1s name=2s path=3?s port=4?i
admissionregistration.TypeChecking expressionWarnings=1*ExpressionWarning
admissionregistration.ValidatingAdmissionPolicy metadata=1meta.ObjectMeta spec=2ValidatingAdmissionPolicySpec status=3ValidatingAdmissionPolicyStatus
admissionregistration.ValidatingAdmissionPolicyBinding metadata=1meta.ObjectMeta spec=2ValidatingAdmissionPolicyBindingSpec
admissionregistration.ValidatingAdmissionPolicyBindingSpec policyName=1s paramRef=2?ParamRef matchResources=3?MatchResources validationActions=4*s
admissionregistration.ValidatingAdmissionPolicySpec paramKind=1?ParamKind matchConstraints=2?MatchResources validations=3*Validation failurePolicy=4?s auditAnnotations=5*AuditAnnotation matchConditions=6*MatchCondition variables=7*Variable
admissionregistration.ValidatingAdmissionPolicyStatus observedGeneration=1i typeChecking=2?TypeChecking conditions=3*meta.Condition
admissionregistration.ValidatingWebhook name=1s clientConfig=2WebhookClientConfig rules=3*RuleWithOperations failurePolicy=4?s matchPolicy=9?s namespaceSelector=5?meta.LabelSelector objectSelector=10?meta.LabelSelector sideEffects=6?s timeoutSeconds=7?i admissionReviewVersions=8*s matchConditions=11*MatchCondition
admissionregistration.ValidatingWebhookConfiguration metadata=1meta.ObjectMeta webhooks=2*ValidatingWebhook
admissionregistration.Validation expression=1s message=2s reason=3?s messageExpression=4s
admissionregistration.Variable name=1s expression=2s
admissionregistration.WebhookClientConfig url=3?s service=1?ServiceReference caBundle=2y
apiextensions.CustomResourceColumnDefinition name=1s type=2s format=3s description=4s priority=5i jsonPath=6s
apiextensions.CustomResourceConversion strategy=1s webhook=2?WebhookConversion
apiextensions.CustomResourceDefinition metadata=1meta.ObjectMeta spec=2CustomResourceDefinitionSpec status=3CustomResourceDefinitionStatus
apiextensions.CustomResourceDefinitionCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s observedGeneration=6i
apiextensions.CustomResourceDefinitionNames plural=1s singular=2s shortNames=3*s kind=4s listKind=5s categories=6*s
apiextensions.CustomResourceDefinitionSpec group=1s names=3CustomResourceDefinitionNames scope=4s versions=7*CustomResourceDefinitionVersion conversion=9?CustomResourceConversion preserveUnknownFields=10b
apiextensions.CustomResourceDefinitionStatus conditions=1*CustomResourceDefinitionCondition acceptedNames=2CustomResourceDefinitionNames storedVersions=3*s observedGeneration=4i
apiextensions.CustomResourceDefinitionVersion name=1s served=2b storage=3b deprecated=7b deprecationWarning=8?s schema=4?CustomResourceValidation subresources=5?CustomResourceSubresources additionalPrinterColumns=6*CustomResourceColumnDefinition selectableFields=9*SelectableField
apiextensions.CustomResourceSubresourceScale specReplicasPath=1s statusReplicasPath=2s labelSelectorPath=3?s
apiextensions.CustomResourceSubresourceStatus
apiextensions.CustomResourceSubresources status=1?CustomResourceSubresourceStatus scale=2?CustomResourceSubresourceScale
apiextensions.CustomResourceValidation openAPIV3Schema=1?JSONSchemaProps
apiextensions.ExternalDocumentation description=1s url=2s
apiextensions.JSON raw=1y
apiextensions.JSONSchemaProps id=1s $schema=2s $ref=3?s description=4s type=5s format=6s title=7s default=8?JSON maximum=9?d exclusiveMaximum=10b minimum=11?d exclusiveMinimum=12b maxLength=13?i minLength=14?i pattern=15s maxItems=16?i minItems=17?i uniqueItems=18b multipleOf=19?d enum=20*JSON maxProperties=21?i minProperties=22?i required=23*s items=24?JSONSchemaPropsOrArray allOf=25*JSONSchemaProps oneOf=26*JSONSchemaProps anyOf=27*JSONSchemaProps not=28?JSONSchemaProps properties=29%JSONSchemaProps additionalProperties=30?JSONSchemaPropsOrBool patternProperties=31%JSONSchemaProps dependencies=32%JSONSchemaPropsOrStringArray additionalItems=33?JSONSchemaPropsOrBool definitions=34%JSONSchemaProps externalDocs=35?ExternalDocumentation example=36?JSON nullable=37b x-kubernetes-preserve-unknown-fields=38?b x-kubernetes-embedded-resource=39b x-kubernetes-int-or-string=40b x-kubernetes-list-map-keys=41*s x-kubernetes-list-type=42?s x-kubernetes-map-type=43?s x-kubernetes-validations=44*ValidationRule
apiextensions.JSONSchemaPropsOrArray schema=1?JSONSchemaProps jSONSchemas=2*JSONSchemaProps
apiextensions.JSONSchemaPropsOrBool allows=1b schema=2?JSONSchemaProps
apiextensions.JSONSchemaPropsOrStringArray schema=1?JSONSchemaProps property=2*s
apiextensions.SelectableField jsonPath=1s
apiextensions.ServiceReference namespace=1s name=2s path=3?s port=4?i
apiextensions.ValidationRule rule=1s message=2s messageExpression=3s reason=4?s fieldPath=5s optionalOldSelf=6?b
apiextensions.WebhookClientConfig url=3?s service=1?ServiceReference caBundle=2y
apiextensions.WebhookConversion clientConfig=2?WebhookClientConfig conversionReviewVersions=3*s
apiregistration.APIService metadata=1meta.ObjectMeta spec=2APIServiceSpec status=3APIServiceStatus
apiregistration.APIServiceCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
apiregistration.APIServiceSpec service=1?ServiceReference group=2s version=3s insecureSkipTLSVerify=4b caBundle=5y groupPriorityMinimum=7i versionPriority=8i
apiregistration.APIServiceStatus conditions=1*APIServiceCondition
apiregistration.ServiceReference namespace=1s name=2s port=3?i
apps.ControllerRevision metadata=1meta.ObjectMeta data=2runtime.RawExtension revision=3i
apps.DaemonSet metadata=1meta.ObjectMeta spec=2DaemonSetSpec status=3DaemonSetStatus
apps.DaemonSetCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
apps.DaemonSetSpec selector=1?meta.LabelSelector template=2core.PodTemplateSpec updateStrategy=3DaemonSetUpdateStrategy minReadySeconds=4i revisionHistoryLimit=6?i
apps.DaemonSetStatus currentNumberScheduled=1i numberMisscheduled=2i desiredNumberScheduled=3i numberReady=4i observedGeneration=5i updatedNumberScheduled=6i numberAvailable=7i numberUnavailable=8i collisionCount=9?i conditions=10*DaemonSetCondition
apps.DaemonSetUpdateStrategy type=1s rollingUpdate=2?RollingUpdateDaemonSet
apps.Deployment metadata=1meta.ObjectMeta spec=2DeploymentSpec status=3DeploymentStatus
apps.DeploymentCondition type=1s status=2s lastUpdateTime=6meta.Time lastTransitionTime=7meta.Time reason=4s message=5s
apps.DeploymentSpec replicas=1?i selector=2?meta.LabelSelector template=3core.PodTemplateSpec strategy=4DeploymentStrategy minReadySeconds=5i revisionHistoryLimit=6?i paused=7b progressDeadlineSeconds=9?i
apps.DeploymentStatus observedGeneration=1i replicas=2i updatedReplicas=3i readyReplicas=7i availableReplicas=4i unavailableReplicas=5i terminatingReplicas=9?i conditions=6*DeploymentCondition collisionCount=8?i
apps.DeploymentStrategy type=1s rollingUpdate=2?RollingUpdateDeployment
apps.ReplicaSet metadata=1meta.ObjectMeta spec=2ReplicaSetSpec status=3ReplicaSetStatus
apps.ReplicaSetCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
apps.ReplicaSetSpec replicas=1?i minReadySeconds=4i selector=2?meta.LabelSelector template=3core.PodTemplateSpec
apps.ReplicaSetStatus replicas=1i fullyLabeledReplicas=2i readyReplicas=4i availableReplicas=5i terminatingReplicas=7?i observedGeneration=3i conditions=6*ReplicaSetCondition
apps.RollingUpdateDaemonSet maxUnavailable=1?intstr.IntOrString maxSurge=2?intstr.IntOrString
apps.RollingUpdateDeployment maxUnavailable=1?intstr.IntOrString maxSurge=2?intstr.IntOrString
apps.RollingUpdateStatefulSetStrategy partition=1?i maxUnavailable=2?intstr.IntOrString
apps.StatefulSet metadata=1meta.ObjectMeta spec=2StatefulSetSpec status=3StatefulSetStatus
apps.StatefulSetCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
apps.StatefulSetOrdinals start=1i
apps.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=1s whenScaled=2s
apps.StatefulSetSpec replicas=1?i selector=2?meta.LabelSelector template=3core.PodTemplateSpec volumeClaimTemplates=4*core.PersistentVolumeClaim serviceName=5s podManagementPolicy=6s updateStrategy=7StatefulSetUpdateStrategy revisionHistoryLimit=8?i minReadySeconds=9i persistentVolumeClaimRetentionPolicy=10?StatefulSetPersistentVolumeClaimRetentionPolicy ordinals=11?StatefulSetOrdinals
apps.StatefulSetStatus observedGeneration=1i replicas=2i readyReplicas=3i currentReplicas=4i updatedReplicas=5i currentRevision=6s updateRevision=7s collisionCount=9?i conditions=10*StatefulSetCondition availableReplicas=11i
apps.StatefulSetUpdateStrategy type=1s rollingUpdate=2?RollingUpdateStatefulSetStrategy
authentication.AttestationValue items=1*s
authentication.BoundObjectReference kind=1s apiVersion=2s name=3s uid=4s
authentication.ExtraValue items=1*s
authentication.SelfSubjectReview metadata=1meta.ObjectMeta status=2SelfSubjectReviewStatus
authentication.SelfSubjectReviewStatus userInfo=1UserInfo
authentication.TokenRequest metadata=1meta.ObjectMeta spec=2TokenRequestSpec status=3TokenRequestStatus
authentication.TokenRequestSpec audiences=1*s expirationSeconds=4?i boundObjectRef=3?BoundObjectReference attestations=5%AttestationValue
authentication.TokenRequestStatus token=1s expirationTimestamp=2meta.Time
authentication.TokenReview metadata=1meta.ObjectMeta spec=2TokenReviewSpec status=3TokenReviewStatus
authentication.TokenReviewSpec token=1s audiences=2*s
authentication.TokenReviewStatus authenticated=1b user=2UserInfo audiences=4*s error=3s
authentication.UserInfo username=1s uid=2s groups=3*s extra=4%ExtraValue
authorization.ExtraValue items=1*s
authorization.FieldSelectorAttributes rawSelector=1s requirements=2*meta.FieldSelectorRequirement
authorization.LabelSelectorAttributes rawSelector=1s requirements=2*meta.LabelSelectorRequirement
authorization.LocalSubjectAccessReview metadata=1meta.ObjectMeta spec=2SubjectAccessReviewSpec status=3SubjectAccessReviewStatus
authorization.NonResourceAttributes path=1s verb=2s
authorization.NonResourceRule verbs=1*s nonResourceURLs=2*s
authorization.ResourceAttributes namespace=1s verb=2s group=3s version=4s resource=5s subresource=6s name=7s fieldSelector=8?FieldSelectorAttributes labelSelector=9?LabelSelectorAttributes
authorization.ResourceRule verbs=1*s apiGroups=2*s resources=3*s resourceNames=4*s
authorization.SelfSubjectAccessReview metadata=1meta.ObjectMeta spec=2SelfSubjectAccessReviewSpec status=3SubjectAccessReviewStatus
authorization.SelfSubjectAccessReviewSpec resourceAttributes=1?ResourceAttributes nonResourceAttributes=2?NonResourceAttributes
authorization.SelfSubjectRulesReview metadata=1meta.ObjectMeta spec=2SelfSubjectRulesReviewSpec status=3SubjectRulesReviewStatus
authorization.SelfSubjectRulesReviewSpec namespace=1s
authorization.SubjectAccessReview metadata=1meta.ObjectMeta spec=2SubjectAccessReviewSpec status=3SubjectAccessReviewStatus
authorization.SubjectAccessReviewSpec resourceAttributes=1?ResourceAttributes nonResourceAttributes=2?NonResourceAttributes user=3s groups=4*s extra=5%ExtraValue uid=6s
authorization.SubjectAccessReviewStatus allowed=1b denied=4b reason=2s evaluationError=3s
authorization.SubjectRulesReviewStatus resourceRules=1*ResourceRule nonResourceRules=2*NonResourceRule incomplete=3b evaluationError=4s
autoscaling.ContainerResourceMetricSource name=1s targetAverageUtilization=2?i targetAverageValue=3?quantity.Quantity container=5s
autoscaling.ContainerResourceMetricStatus name=1s currentAverageUtilization=2?i currentAverageValue=3quantity.Quantity container=4s
autoscaling.CrossVersionObjectReference kind=1s name=2s apiVersion=3s
autoscaling.ExternalMetricSource metricName=1s metricSelector=2?meta.LabelSelector targetValue=3?quantity.Quantity targetAverageValue=4?quantity.Quantity
autoscaling.ExternalMetricStatus metricName=1s metricSelector=2?meta.LabelSelector currentValue=3quantity.Quantity currentAverageValue=4?quantity.Quantity
autoscaling.HorizontalPodAutoscaler metadata=1meta.ObjectMeta spec=2HorizontalPodAutoscalerSpec status=3HorizontalPodAutoscalerStatus
autoscaling.HorizontalPodAutoscalerCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s observedGeneration=6?i
autoscaling.HorizontalPodAutoscalerSpec scaleTargetRef=1CrossVersionObjectReference minReplicas=2?i maxReplicas=3i targetCPUUtilizationPercentage=4?i
autoscaling.HorizontalPodAutoscalerStatus observedGeneration=1?i lastScaleTime=2?meta.Time currentReplicas=3i desiredReplicas=4i currentCPUUtilizationPercentage=5?i
autoscaling.MetricSpec type=1s object=2?ObjectMetricSource pods=3?PodsMetricSource resource=4?ResourceMetricSource containerResource=7?ContainerResourceMetricSource external=5?ExternalMetricSource
autoscaling.MetricStatus type=1s object=2?ObjectMetricStatus pods=3?PodsMetricStatus resource=4?ResourceMetricStatus containerResource=7?ContainerResourceMetricStatus external=5?ExternalMetricStatus
autoscaling.ObjectMetricSource target=1CrossVersionObjectReference metricName=2s targetValue=3quantity.Quantity selector=4?meta.LabelSelector averageValue=5?quantity.Quantity
autoscaling.ObjectMetricStatus target=1CrossVersionObjectReference metricName=2s currentValue=3quantity.Quantity selector=4?meta.LabelSelector averageValue=5?quantity.Quantity
autoscaling.PodsMetricSource metricName=1s targetAverageValue=2quantity.Quantity selector=3?meta.LabelSelector
autoscaling.PodsMetricStatus metricName=1s currentAverageValue=2quantity.Quantity selector=3?meta.LabelSelector
autoscaling.ResourceMetricSource name=1s targetAverageUtilization=2?i targetAverageValue=3?quantity.Quantity
autoscaling.ResourceMetricStatus name=1s currentAverageUtilization=2?i currentAverageValue=3quantity.Quantity
autoscaling.Scale metadata=1meta.ObjectMeta spec=2ScaleSpec status=3ScaleStatus
autoscaling.ScaleSpec replicas=1i
autoscaling.ScaleStatus replicas=1i selector=2s
autoscaling/v2.ContainerResourceMetricSource name=1s target=2MetricTarget container=3s
autoscaling/v2.ContainerResourceMetricStatus name=1s current=2MetricValueStatus container=3s
autoscaling/v2.CrossVersionObjectReference kind=1s name=2s apiVersion=3s
autoscaling/v2.ExternalMetricSource metric=1MetricIdentifier target=2MetricTarget
autoscaling/v2.ExternalMetricStatus metric=1MetricIdentifier current=2MetricValueStatus
autoscaling/v2.HPAScalingPolicy type=1s value=2i periodSeconds=3i
autoscaling/v2.HPAScalingRules stabilizationWindowSeconds=3?i selectPolicy=1?s policies=2*HPAScalingPolicy tolerance=4?quantity.Quantity
autoscaling/v2.HorizontalPodAutoscaler metadata=1meta.ObjectMeta spec=2HorizontalPodAutoscalerSpec status=3HorizontalPodAutoscalerStatus
autoscaling/v2.HorizontalPodAutoscalerBehavior scaleUp=1?HPAScalingRules scaleDown=2?HPAScalingRules
autoscaling/v2.HorizontalPodAutoscalerCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s observedGeneration=6?i
autoscaling/v2.HorizontalPodAutoscalerSpec scaleTargetRef=1CrossVersionObjectReference minReplicas=2?i maxReplicas=3i metrics=4*MetricSpec behavior=5?HorizontalPodAutoscalerBehavior
autoscaling/v2.HorizontalPodAutoscalerStatus observedGeneration=1?i lastScaleTime=2?meta.Time currentReplicas=3i desiredReplicas=4i currentMetrics=5*MetricStatus conditions=6*HorizontalPodAutoscalerCondition
autoscaling/v2.MetricIdentifier name=1s selector=2?meta.LabelSelector
autoscaling/v2.MetricSpec type=1s object=2?ObjectMetricSource pods=3?PodsMetricSource resource=4?ResourceMetricSource containerResource=7?ContainerResourceMetricSource external=5?ExternalMetricSource
autoscaling/v2.MetricStatus type=1s object=2?ObjectMetricStatus pods=3?PodsMetricStatus resource=4?ResourceMetricStatus containerResource=7?ContainerResourceMetricStatus external=5?ExternalMetricStatus
autoscaling/v2.MetricTarget type=1s value=2?quantity.Quantity averageValue=3?quantity.Quantity averageUtilization=4?i
autoscaling/v2.MetricValueStatus value=1?quantity.Quantity averageValue=2?quantity.Quantity averageUtilization=3?i
autoscaling/v2.ObjectMetricSource describedObject=1CrossVersionObjectReference target=2MetricTarget metric=3MetricIdentifier
autoscaling/v2.ObjectMetricStatus metric=1MetricIdentifier current=2MetricValueStatus describedObject=3CrossVersionObjectReference
autoscaling/v2.PodsMetricSource metric=1MetricIdentifier target=2MetricTarget
autoscaling/v2.PodsMetricStatus metric=1MetricIdentifier current=2MetricValueStatus
autoscaling/v2.ResourceMetricSource name=1s target=2MetricTarget
autoscaling/v2.ResourceMetricStatus name=1s current=2MetricValueStatus
batch.CronJob metadata=1meta.ObjectMeta spec=2CronJobSpec status=3CronJobStatus
batch.CronJobSpec schedule=1s timeZone=8?s startingDeadlineSeconds=2?i concurrencyPolicy=3s suspend=4?b jobTemplate=5JobTemplateSpec successfulJobsHistoryLimit=6?i failedJobsHistoryLimit=7?i
batch.CronJobStatus active=1*core.ObjectReference lastScheduleTime=4?meta.Time lastSuccessfulTime=5?meta.Time
batch.Job metadata=1meta.ObjectMeta spec=2JobSpec status=3JobStatus
batch.JobCondition type=1s status=2s lastProbeTime=3meta.Time lastTransitionTime=4meta.Time reason=5s message=6s
batch.JobSchedulingConfiguration schedulingPolicy=1?schedulingalpha3.WorkloadPodGroupSchedulingPolicy schedulingConstraints=2?schedulingalpha3.WorkloadPodGroupSchedulingConstraints disruptionMode=3?schedulingalpha3.WorkloadPodGroupDisruptionMode resourceClaims=4*schedulingalpha3.WorkloadPodGroupResourceClaim
batch.JobSpec parallelism=1?i completions=2?i activeDeadlineSeconds=3?i podFailurePolicy=11?PodFailurePolicy successPolicy=16?SuccessPolicy backoffLimit=7?i backoffLimitPerIndex=12?i maxFailedIndexes=13?i selector=4?meta.LabelSelector manualSelector=5?b template=6core.PodTemplateSpec ttlSecondsAfterFinished=8?i completionMode=9?s suspend=10?b podReplacementPolicy=14?s managedBy=15?s scheduling=17?JobSchedulingConfiguration
batch.JobStatus conditions=1*JobCondition startTime=2?meta.Time completionTime=3?meta.Time active=4i succeeded=5i failed=6i terminating=11?i completedIndexes=7s failedIndexes=10?s uncountedTerminatedPods=8?UncountedTerminatedPods ready=9?i
batch.JobTemplateSpec metadata=1meta.ObjectMeta spec=2JobSpec
batch.PodFailurePolicy rules=1*PodFailurePolicyRule
batch.PodFailurePolicyOnExitCodesRequirement containerName=1?s operator=2s values=3*i
batch.PodFailurePolicyOnPodConditionsPattern type=1s status=2s
batch.PodFailurePolicyRule action=1s onExitCodes=2?PodFailurePolicyOnExitCodesRequirement onPodConditions=3*PodFailurePolicyOnPodConditionsPattern
batch.SuccessPolicy rules=1*SuccessPolicyRule
batch.SuccessPolicyRule succeededIndexes=1?s succeededCount=2?i
batch.UncountedTerminatedPods succeeded=1*s failed=2*s
certificates.CertificateSigningRequest metadata=1meta.ObjectMeta spec=2CertificateSigningRequestSpec status=3CertificateSigningRequestStatus
certificates.CertificateSigningRequestCondition type=1s status=6s reason=2s message=3s lastUpdateTime=4meta.Time lastTransitionTime=5meta.Time
certificates.CertificateSigningRequestSpec request=1y signerName=7s expirationSeconds=8?i usages=5*s username=2s uid=3s groups=4*s extra=6%ExtraValue
certificates.CertificateSigningRequestStatus conditions=1*CertificateSigningRequestCondition certificate=2y
certificates.ClusterTrustBundle metadata=1meta.ObjectMeta spec=2ClusterTrustBundleSpec
certificates.ClusterTrustBundleSpec signerName=1s trustBundle=2s
certificates.ExtraValue items=1*s
certificates.PodCertificateRequest metadata=1meta.ObjectMeta spec=2PodCertificateRequestSpec status=3PodCertificateRequestStatus
certificates.PodCertificateRequestSpec signerName=1s podName=2s podUID=3s serviceAccountName=4s serviceAccountUID=5s nodeName=6s nodeUID=7s maxExpirationSeconds=8?i stubPKCS10Request=12y unverifiedUserAnnotations=11%s
certificates.PodCertificateRequestStatus conditions=1*meta.Condition certificateChain=2s notBefore=4?meta.Time beginRefreshAt=5?meta.Time notAfter=6?meta.Time
coordination.Lease metadata=1meta.ObjectMeta spec=2LeaseSpec
coordination.LeaseSpec holderIdentity=1?s leaseDurationSeconds=2?i acquireTime=3?meta.MicroTime renewTime=4?meta.MicroTime leaseTransitions=5?i strategy=6?s preferredHolder=7?s
core.AWSElasticBlockStoreVolumeSource volumeID=1s fsType=2s partition=3i readOnly=4b
core.Affinity nodeAffinity=1?NodeAffinity podAffinity=2?PodAffinity podAntiAffinity=3?PodAntiAffinity
core.AppArmorProfile type=1s localhostProfile=2?s
core.AttachedVolume name=1s devicePath=2s
core.AvoidPods preferAvoidPods=1*PreferAvoidPodsEntry
core.AzureDiskVolumeSource diskName=1s diskURI=2s cachingMode=3?s fsType=4?s readOnly=5?b kind=6?s
core.AzureFilePersistentVolumeSource secretName=1s shareName=2s readOnly=3b secretNamespace=4?s
core.AzureFileVolumeSource secretName=1s shareName=2s readOnly=3b
core.Binding metadata=1meta.ObjectMeta target=2ObjectReference
core.CSIPersistentVolumeSource driver=1s volumeHandle=2s readOnly=3b fsType=4s volumeAttributes=5%s controllerPublishSecretRef=6?SecretReference nodeStageSecretRef=7?SecretReference nodePublishSecretRef=8?SecretReference controllerExpandSecretRef=9?SecretReference nodeExpandSecretRef=10?SecretReference
core.CSIVolumeSource driver=1s readOnly=2?b fsType=3?s volumeAttributes=4%s nodePublishSecretRef=5?LocalObjectReference
core.Capabilities add=1*s drop=2*s
core.CephFSPersistentVolumeSource monitors=1*s path=2s user=3s secretFile=4s secretRef=5?SecretReference readOnly=6b
core.CephFSVolumeSource monitors=1*s path=2s user=3s secretFile=4s secretRef=5?LocalObjectReference readOnly=6b
core.CinderPersistentVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4?SecretReference
core.CinderVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4?LocalObjectReference
core.ClientIPConfig timeoutSeconds=1?i
core.ClusterTrustBundleProjection name=1?s signerName=2?s labelSelector=3?meta.LabelSelector optional=5?b path=4s user=6?i
core.ComponentCondition type=1s status=2s message=3s error=4s
core.ComponentStatus metadata=1meta.ObjectMeta conditions=2*ComponentCondition
core.ConfigMap metadata=1meta.ObjectMeta immutable=4?b data=2%s binaryData=3%y
core.ConfigMapEnvSource localObjectReference=1~LocalObjectReference optional=2?b
core.ConfigMapKeySelector localObjectReference=1~LocalObjectReference key=2s optional=3?b
core.ConfigMapNodeConfigSource namespace=1s name=2s uid=3s resourceVersion=4s kubeletConfigKey=5s
core.ConfigMapProjection localObjectReference=1~LocalObjectReference items=2*KeyToPath optional=4?b
core.ConfigMapVolumeSource localObjectReference=1~LocalObjectReference items=2*KeyToPath defaultMode=3?i optional=4?b defaultUser=5?i
core.Container name=1s image=2s command=3*s args=4*s workingDir=5s ports=6*ContainerPort envFrom=19*EnvFromSource env=7*EnvVar resources=8ResourceRequirements resizePolicy=23*ContainerResizePolicy restartPolicy=24?s restartPolicyRules=25*ContainerRestartRule volumeMounts=9*VolumeMount volumeDevices=21*VolumeDevice livenessProbe=10?Probe readinessProbe=11?Probe startupProbe=22?Probe lifecycle=12?Lifecycle terminationMessagePath=13s terminationMessagePolicy=20s imagePullPolicy=14s securityContext=15?SecurityContext stdin=16b stdinOnce=17b tty=18b
core.ContainerExtendedResourceRequest containerName=1s resourceName=2s requestName=3s
core.ContainerImage names=1*s sizeBytes=2i
core.ContainerPort name=1s hostPort=2i containerPort=3i protocol=4s hostIP=5s
core.ContainerResizePolicy resourceName=1s restartPolicy=2s
core.ContainerRestartRule action=1s exitCodes=2?ContainerRestartRuleOnExitCodes
core.ContainerRestartRuleOnExitCodes operator=1s values=2*i
core.ContainerState waiting=1?ContainerStateWaiting running=2?ContainerStateRunning terminated=3?ContainerStateTerminated
core.ContainerStateRunning startedAt=1meta.Time
core.ContainerStateTerminated exitCode=1i signal=2i reason=3s message=4s startedAt=5meta.Time finishedAt=6meta.Time containerID=7s
core.ContainerStateWaiting reason=1s message=2s
core.ContainerStatus name=1s state=2ContainerState lastState=3ContainerState ready=4b restartCount=5i image=6s imageID=7s containerID=8s started=9?b allocatedResources=10%quantity.Quantity resources=11?ResourceRequirements volumeMounts=12*VolumeMountStatus user=13?ContainerUser allocatedResourcesStatus=14*ResourceStatus stopSignal=15?s
core.ContainerUser linux=1?LinuxContainerUser
core.DaemonEndpoint Port=1i
core.DownwardAPIProjection items=1*DownwardAPIVolumeFile
core.DownwardAPIVolumeFile path=1s fieldRef=2?ObjectFieldSelector resourceFieldRef=3?ResourceFieldSelector mode=4?i user=5?i
core.DownwardAPIVolumeSource items=1*DownwardAPIVolumeFile defaultMode=2?i defaultUser=3?i
core.EmptyDirVolumeSource medium=1s sizeLimit=2?quantity.Quantity mode=3?i
core.EndpointAddress ip=1s hostname=3s nodeName=4?s targetRef=2?ObjectReference
core.EndpointPort name=1s port=2i protocol=3s appProtocol=4?s
core.EndpointSubset addresses=1*EndpointAddress notReadyAddresses=2*EndpointAddress ports=3*EndpointPort
core.Endpoints metadata=1meta.ObjectMeta subsets=2*EndpointSubset
core.EnvFromSource prefix=1s configMapRef=2?ConfigMapEnvSource secretRef=3?SecretEnvSource
core.EnvVar name=1s value=2s valueFrom=3?EnvVarSource
core.EnvVarSource fieldRef=1?ObjectFieldSelector resourceFieldRef=2?ResourceFieldSelector configMapKeyRef=3?ConfigMapKeySelector secretKeyRef=4?SecretKeySelector fileKeyRef=5?FileKeySelector
core.EphemeralContainer ephemeralContainerCommon=1~EphemeralContainerCommon targetContainerName=2s
core.EphemeralContainerCommon name=1s image=2s command=3*s args=4*s workingDir=5s ports=6*ContainerPort envFrom=19*EnvFromSource env=7*EnvVar resources=8ResourceRequirements resizePolicy=23*ContainerResizePolicy restartPolicy=24?s restartPolicyRules=25*ContainerRestartRule volumeMounts=9*VolumeMount volumeDevices=21*VolumeDevice livenessProbe=10?Probe readinessProbe=11?Probe startupProbe=22?Probe lifecycle=12?Lifecycle terminationMessagePath=13s terminationMessagePolicy=20s imagePullPolicy=14s securityContext=15?SecurityContext stdin=16b stdinOnce=17b tty=18b
core.EphemeralVolumeSource volumeClaimTemplate=1?PersistentVolumeClaimTemplate
core.Event metadata=1meta.ObjectMeta involvedObject=2ObjectReference reason=3s message=4s source=5EventSource firstTimestamp=6meta.Time lastTimestamp=7meta.Time count=8i type=9s eventTime=10meta.MicroTime series=11?EventSeries action=12s related=13?ObjectReference reportingComponent=14s reportingInstance=15s
core.EventSeries count=1i lastObservedTime=2meta.MicroTime
core.EventSource component=1s host=2s
core.EvictionResponder name=1s priority=2?i
core.ExecAction command=1*s
core.FCVolumeSource targetWWNs=1*s lun=2?i fsType=3s readOnly=4b wwids=5*s
core.FileKeySelector volumeName=1s path=2s key=3s optional=4?b
core.FlexPersistentVolumeSource driver=1s fsType=2s secretRef=3?SecretReference readOnly=4b options=5%s
core.FlexVolumeSource driver=1s fsType=2s secretRef=3?LocalObjectReference readOnly=4b options=5%s
core.FlockerVolumeSource datasetName=1s datasetUUID=2s
core.GCEPersistentDiskVolumeSource pdName=1s fsType=2s partition=3i readOnly=4b
core.GRPCAction port=1i service=2?s mode=3?s
core.GitRepoVolumeSource repository=1s revision=2s directory=3s
core.GlusterfsPersistentVolumeSource endpoints=1s path=2s readOnly=3b endpointsNamespace=4?s
core.GlusterfsVolumeSource endpoints=1s path=2s readOnly=3b
core.HTTPGetAction path=1s port=2intstr.IntOrString host=3s scheme=4s httpHeaders=5*HTTPHeader protocol=6?s
core.HTTPHeader name=1s value=2s
core.HostAlias ip=1s hostnames=2*s
core.HostIP ip=1s
core.HostPathVolumeSource path=1s type=2?s
core.ISCSIPersistentVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7*s chapAuthDiscovery=8b chapAuthSession=11b secretRef=10?SecretReference initiatorName=12?s
core.ISCSIVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7*s chapAuthDiscovery=8b chapAuthSession=11b secretRef=10?LocalObjectReference initiatorName=12?s
core.ImageVolumeSource reference=1s pullPolicy=2s
core.ImageVolumeStatus imageRef=1s
core.KeyToPath key=1s path=2s mode=3?i user=4?i
core.Lifecycle postStart=1?LifecycleHandler preStop=2?LifecycleHandler stopSignal=3?s
core.LifecycleHandler exec=1?ExecAction httpGet=2?HTTPGetAction tcpSocket=3?TCPSocketAction sleep=4?SleepAction
core.LimitRange metadata=1meta.ObjectMeta spec=2LimitRangeSpec
core.LimitRangeItem type=1s max=2%quantity.Quantity min=3%quantity.Quantity default=4%quantity.Quantity defaultRequest=5%quantity.Quantity maxLimitRequestRatio=6%quantity.Quantity
core.LimitRangeSpec limits=1*LimitRangeItem
core.LinuxContainerUser uid=1i gid=2i supplementalGroups=3*i
core.LoadBalancerIngress ip=1s hostname=2s ipMode=3?s ports=4*PortStatus
core.LoadBalancerStatus ingress=1*LoadBalancerIngress
core.LocalObjectReference name=1s
core.LocalVolumeSource path=1s fsType=2?s
core.ModifyVolumeStatus targetVolumeAttributesClassName=1s status=2s
core.NFSVolumeSource server=1s path=2s readOnly=3b
core.Namespace metadata=1meta.ObjectMeta spec=2NamespaceSpec status=3NamespaceStatus
core.NamespaceCondition type=1s status=2s lastTransitionTime=4meta.Time reason=5s message=6s
core.NamespaceSpec finalizers=1*s
core.NamespaceStatus phase=1s conditions=2*NamespaceCondition
core.Node metadata=1meta.ObjectMeta spec=2NodeSpec status=3NodeStatus
core.NodeAddress type=1s address=2s
core.NodeAffinity requiredDuringSchedulingIgnoredDuringExecution=1?NodeSelector preferredDuringSchedulingIgnoredDuringExecution=2*PreferredSchedulingTerm
core.NodeAllocatableMappedResources name=1s quantity=2?quantity.Quantity
core.NodeAllocatableOverheadResources name=1s perPod=2?quantity.Quantity perContainer=3?quantity.Quantity
core.NodeAllocatableResourceClaimStatus resourceClaimName=1s containers=2*s resources=3%quantity.Quantity mapping=4*NodeAllocatableMappedResources overhead=5*NodeAllocatableOverheadResources
core.NodeCondition type=1s status=2s lastHeartbeatTime=3meta.Time lastTransitionTime=4meta.Time reason=5s message=6s
core.NodeConfigSource configMap=2?ConfigMapNodeConfigSource
core.NodeConfigStatus assigned=1?NodeConfigSource active=2?NodeConfigSource lastKnownGood=3?NodeConfigSource error=4s
core.NodeDaemonEndpoints kubeletEndpoint=1DaemonEndpoint
core.NodeFeatures supplementalGroupsPolicy=1?b
core.NodePodPreemptionPolicy disableResizePreemption=1*s
core.NodeProxyOptions path=1s
core.NodeRuntimeHandler name=1s features=2?NodeRuntimeHandlerFeatures
core.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts=1?b userNamespaces=2?b
core.NodeSelector nodeSelectorTerms=1*NodeSelectorTerm
core.NodeSelectorRequirement key=1s operator=2s values=3*s
core.NodeSelectorTerm matchExpressions=1*NodeSelectorRequirement matchFields=2*NodeSelectorRequirement
core.NodeSpec podCIDR=1s podCIDRs=7*s providerID=3s unschedulable=4b taints=5*Taint configSource=6?NodeConfigSource externalID=2s podPreemptionPolicy=8?NodePodPreemptionPolicy
core.NodeStatus capacity=1%quantity.Quantity allocatable=2%quantity.Quantity phase=3s conditions=4*NodeCondition addresses=5*NodeAddress daemonEndpoints=6NodeDaemonEndpoints nodeInfo=7NodeSystemInfo images=8*ContainerImage volumesInUse=9*s volumesAttached=10*AttachedVolume config=11?NodeConfigStatus runtimeHandlers=12*NodeRuntimeHandler features=13?NodeFeatures declaredFeatures=14*s
core.NodeSwapStatus capacity=1?i
core.NodeSystemInfo machineID=1s systemUUID=2s bootID=3s kernelVersion=4s osImage=5s containerRuntimeVersion=6s kubeletVersion=7s kubeProxyVersion=8s operatingSystem=9s architecture=10s swap=11?NodeSwapStatus
core.ObjectFieldSelector apiVersion=1s fieldPath=2s
core.ObjectReference kind=1s namespace=2s name=3s uid=4s apiVersion=5s resourceVersion=6s fieldPath=7s
core.PersistentVolume metadata=1meta.ObjectMeta spec=2PersistentVolumeSpec status=3PersistentVolumeStatus
core.PersistentVolumeClaim metadata=1meta.ObjectMeta spec=2PersistentVolumeClaimSpec status=3PersistentVolumeClaimStatus
core.PersistentVolumeClaimCondition type=1s status=2s lastProbeTime=3meta.Time lastTransitionTime=4meta.Time reason=5s message=6s
core.PersistentVolumeClaimSpec accessModes=1*s selector=4?meta.LabelSelector resources=2VolumeResourceRequirements volumeName=3s storageClassName=5?s volumeMode=6?s dataSource=7?TypedLocalObjectReference dataSourceRef=8?TypedObjectReference volumeAttributesClassName=9?s
core.PersistentVolumeClaimStatus phase=1s accessModes=2*s capacity=3%quantity.Quantity conditions=4*PersistentVolumeClaimCondition allocatedResources=5%quantity.Quantity allocatedResourceStatuses=7%s currentVolumeAttributesClassName=8?s modifyVolumeStatus=9?ModifyVolumeStatus healthStatus=10?VolumeHealthStatus
core.PersistentVolumeClaimTemplate metadata=1meta.ObjectMeta spec=2PersistentVolumeClaimSpec
core.PersistentVolumeClaimVolumeSource claimName=1s readOnly=2b
core.PersistentVolumeSource gcePersistentDisk=1?GCEPersistentDiskVolumeSource awsElasticBlockStore=2?AWSElasticBlockStoreVolumeSource hostPath=3?HostPathVolumeSource glusterfs=4?GlusterfsPersistentVolumeSource nfs=5?NFSVolumeSource rbd=6?RBDPersistentVolumeSource iscsi=7?ISCSIPersistentVolumeSource cinder=8?CinderPersistentVolumeSource cephfs=9?CephFSPersistentVolumeSource fc=10?FCVolumeSource flocker=11?FlockerVolumeSource flexVolume=12?FlexPersistentVolumeSource azureFile=13?AzureFilePersistentVolumeSource vsphereVolume=14?VsphereVirtualDiskVolumeSource quobyte=15?QuobyteVolumeSource azureDisk=16?AzureDiskVolumeSource photonPersistentDisk=17?PhotonPersistentDiskVolumeSource portworxVolume=18?PortworxVolumeSource scaleIO=19?ScaleIOPersistentVolumeSource local=20?LocalVolumeSource storageos=21?StorageOSPersistentVolumeSource csi=22?CSIPersistentVolumeSource
core.PersistentVolumeSpec capacity=1%quantity.Quantity persistentVolumeSource=2~PersistentVolumeSource accessModes=3*s claimRef=4?ObjectReference persistentVolumeReclaimPolicy=5s storageClassName=6s mountOptions=7*s volumeMode=8?s nodeAffinity=9?VolumeNodeAffinity volumeAttributesClassName=10?s
core.PersistentVolumeStatus phase=1s message=2s reason=3s lastPhaseTransitionTime=4?meta.Time
core.PhotonPersistentDiskVolumeSource pdID=1s fsType=2s
core.Pod metadata=1meta.ObjectMeta spec=2PodSpec status=3PodStatus
core.PodAffinity requiredDuringSchedulingIgnoredDuringExecution=1*PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2*WeightedPodAffinityTerm
core.PodAffinityTerm labelSelector=1?meta.LabelSelector namespaces=2*s topologyKey=3s namespaceSelector=4?meta.LabelSelector matchLabelKeys=5*s mismatchLabelKeys=6*s
core.PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=1*PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2*WeightedPodAffinityTerm
core.PodAttachOptions stdin=1b stdout=2b stderr=3b tty=4b container=5s
core.PodCertificateProjection signerName=1s keyType=2s maxExpirationSeconds=3?i credentialBundlePath=4s keyPath=5s certificateChainPath=6s userAnnotations=7%s user=8?i
core.PodCondition type=1s observedGeneration=7i status=2s lastProbeTime=3meta.Time lastTransitionTime=4meta.Time reason=5s message=6s
core.PodDNSConfig nameservers=1*s searches=2*s options=3*PodDNSConfigOption
core.PodDNSConfigOption name=1s value=2?s
core.PodExecOptions stdin=1b stdout=2b stderr=3b tty=4b container=5s command=6*s
core.PodExtendedResourceClaimStatus requestMappings=1*ContainerExtendedResourceRequest resourceClaimName=2s
core.PodIP ip=1s
core.PodLogOptions container=1s follow=2b previous=3b sinceSeconds=4?i sinceTime=5?meta.Time timestamps=6b tailLines=7?i limitBytes=8?i insecureSkipTLSVerifyBackend=9b stream=10?s
core.PodOS name=1s
core.PodPortForwardOptions ports=1*i
core.PodProxyOptions path=1s
core.PodReadinessGate conditionType=1s
core.PodResourceClaim name=1s resourceClaimName=3?s resourceClaimTemplateName=4?s
core.PodResourceClaimStatus name=1s resourceClaimName=2?s
core.PodSchedulingGate name=1s
core.PodSchedulingGroup podGroupName=1?s
core.PodSecurityContext seLinuxOptions=1?SELinuxOptions windowsOptions=8?WindowsSecurityContextOptions runAsUser=2?i runAsGroup=6?i runAsNonRoot=3?b supplementalGroups=4*i supplementalGroupsPolicy=12?s fsGroup=5?i sysctls=7*Sysctl fsGroupChangePolicy=9?s seccompProfile=10?SeccompProfile appArmorProfile=11?AppArmorProfile seLinuxChangePolicy=13?s
core.PodSignature podController=1?meta.OwnerReference
core.PodSpec volumes=1*Volume initContainers=20*Container containers=2*Container ephemeralContainers=34*EphemeralContainer restartPolicy=3s terminationGracePeriodSeconds=4?i activeDeadlineSeconds=5?i dnsPolicy=6s nodeSelector=7%s serviceAccountName=8s serviceAccount=9s automountServiceAccountToken=21?b nodeName=10s hostNetwork=11b hostPID=12b hostIPC=13b shareProcessNamespace=27?b securityContext=14?PodSecurityContext imagePullSecrets=15*LocalObjectReference hostname=16s subdomain=17s affinity=18?Affinity schedulerName=19s tolerations=22*Toleration hostAliases=23*HostAlias priorityClassName=24s priority=25?i dnsConfig=26?PodDNSConfig readinessGates=28*PodReadinessGate runtimeClassName=29?s enableServiceLinks=30?b preemptionPolicy=31?s overhead=32%quantity.Quantity topologySpreadConstraints=33*TopologySpreadConstraint setHostnameAsFQDN=35?b os=36?PodOS hostUsers=37?b schedulingGates=38*PodSchedulingGate resourceClaims=39*PodResourceClaim resources=40?ResourceRequirements hostnameOverride=41?s schedulingGroup=43?PodSchedulingGroup evictionResponders=44*EvictionResponder
core.PodStatus observedGeneration=17i phase=1s conditions=2*PodCondition message=3s reason=4s nominatedNodeName=11s hostIP=5s hostIPs=16*HostIP podIP=6s podIPs=12*PodIP startTime=7?meta.Time initContainerStatuses=10*ContainerStatus containerStatuses=8*ContainerStatus qosClass=9s ephemeralContainerStatuses=13*ContainerStatus resize=14s resourceClaimStatuses=15*PodResourceClaimStatus extendedResourceClaimStatus=18?PodExtendedResourceClaimStatus allocatedResources=19%quantity.Quantity resources=20?ResourceRequirements nodeAllocatableResourceClaimStatuses=21*NodeAllocatableResourceClaimStatus volumeHealth=22*PodVolumeHealth
core.PodTemplate metadata=1meta.ObjectMeta template=2PodTemplateSpec
core.PodTemplateSpec metadata=1meta.ObjectMeta spec=2PodSpec
core.PodVolumeHealth name=1s healthConditions=2*VolumeHealthCondition lastTransitionTime=3meta.Time
core.PortStatus port=1i protocol=2s error=3?s
core.PortworxVolumeSource volumeID=1s fsType=2s readOnly=3b
core.Preconditions uid=1?s
core.PreferAvoidPodsEntry podSignature=1PodSignature evictionTime=2meta.Time reason=3s message=4s
core.PreferredSchedulingTerm weight=1i preference=2NodeSelectorTerm
core.Probe handler=1~ProbeHandler initialDelaySeconds=2i timeoutSeconds=3i periodSeconds=4i successThreshold=5i failureThreshold=6i terminationGracePeriodSeconds=7?i
core.ProbeHandler exec=1?ExecAction httpGet=2?HTTPGetAction tcpSocket=3?TCPSocketAction grpc=4?GRPCAction
core.ProjectedVolumeSource sources=1*VolumeProjection defaultMode=2?i defaultUser=3?i
core.QuobyteVolumeSource registry=1s volume=2s readOnly=3b user=4s group=5s tenant=6s
core.RBDPersistentVolumeSource monitors=1*s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7?SecretReference readOnly=8b
core.RBDVolumeSource monitors=1*s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7?LocalObjectReference readOnly=8b
core.RangeAllocation metadata=1meta.ObjectMeta range=2s data=3y
core.ReplicationController metadata=1meta.ObjectMeta spec=2ReplicationControllerSpec status=3ReplicationControllerStatus
core.ReplicationControllerCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
core.ReplicationControllerSpec replicas=1?i minReadySeconds=4i selector=2%s template=3?PodTemplateSpec
core.ReplicationControllerStatus replicas=1i fullyLabeledReplicas=2i readyReplicas=4i availableReplicas=5i observedGeneration=3i conditions=6*ReplicationControllerCondition
core.ResourceClaim name=1s request=2s
core.ResourceFieldSelector containerName=1s resource=2s divisor=3quantity.Quantity
core.ResourceHealth resourceID=1s health=2s message=6?s
core.ResourceQuota metadata=1meta.ObjectMeta spec=2ResourceQuotaSpec status=3ResourceQuotaStatus
core.ResourceQuotaSpec hard=1%quantity.Quantity scopes=2*s scopeSelector=3?ScopeSelector
core.ResourceQuotaStatus hard=1%quantity.Quantity used=2%quantity.Quantity
core.ResourceRequirements limits=1%quantity.Quantity requests=2%quantity.Quantity claims=3*ResourceClaim
core.ResourceStatus name=1s resources=2*ResourceHealth
core.SELinuxOptions user=1s role=2s type=3s level=4s
core.ScaleIOPersistentVolumeSource gateway=1s system=2s secretRef=3?SecretReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
core.ScaleIOVolumeSource gateway=1s system=2s secretRef=3?LocalObjectReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
core.ScopeSelector matchExpressions=1*ScopedResourceSelectorRequirement
core.ScopedResourceSelectorRequirement scopeName=1s operator=2s values=3*s
core.SeccompProfile type=1s localhostProfile=2?s
core.Secret metadata=1meta.ObjectMeta immutable=5?b data=2%y stringData=4%s type=3s
core.SecretEnvSource localObjectReference=1~LocalObjectReference optional=2?b
core.SecretKeySelector localObjectReference=1~LocalObjectReference key=2s optional=3?b
core.SecretProjection localObjectReference=1~LocalObjectReference items=2*KeyToPath optional=4?b
core.SecretReference name=1s namespace=2s
core.SecretVolumeSource secretName=1s items=2*KeyToPath defaultMode=3?i optional=4?b defaultUser=5?i
core.SecurityContext capabilities=1?Capabilities privileged=2?b seLinuxOptions=3?SELinuxOptions windowsOptions=10?WindowsSecurityContextOptions runAsUser=4?i runAsGroup=8?i runAsNonRoot=5?b readOnlyRootFilesystem=6?b allowPrivilegeEscalation=7?b procMount=9?s seccompProfile=11?SeccompProfile appArmorProfile=12?AppArmorProfile
core.SerializedReference reference=1ObjectReference
core.Service metadata=1meta.ObjectMeta spec=2ServiceSpec status=3ServiceStatus
core.ServiceAccount metadata=1meta.ObjectMeta secrets=2*ObjectReference imagePullSecrets=3*LocalObjectReference automountServiceAccountToken=4?b
core.ServiceAccountTokenProjection audience=1s expirationSeconds=2?i path=3s user=4?i
core.ServicePort name=1s protocol=2s appProtocol=6?s port=3i targetPort=4intstr.IntOrString nodePort=5i
core.ServiceProxyOptions path=1s
core.ServiceSpec ports=1*ServicePort selector=2%s clusterIP=3s clusterIPs=18*s type=4s externalIPs=5*s sessionAffinity=7s loadBalancerIP=8s loadBalancerSourceRanges=9*s externalName=10s externalTrafficPolicy=11s healthCheckNodePort=12i publishNotReadyAddresses=13b sessionAffinityConfig=14?SessionAffinityConfig ipFamilies=19*s ipFamilyPolicy=17?s allocateLoadBalancerNodePorts=20?b loadBalancerClass=21?s internalTrafficPolicy=22?s trafficDistribution=23?s
core.ServiceStatus loadBalancer=1LoadBalancerStatus conditions=2*meta.Condition
core.SessionAffinityConfig clientIP=1?ClientIPConfig
core.SleepAction seconds=1i
core.StorageOSPersistentVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5?ObjectReference
core.StorageOSVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5?LocalObjectReference
core.Sysctl name=1s value=2s
core.TCPSocketAction port=1intstr.IntOrString host=2s
core.Taint key=1s value=2s effect=3s timeAdded=4?meta.Time
core.Toleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5?i
core.TopologySelectorLabelRequirement key=1s values=2*s
core.TopologySelectorTerm matchLabelExpressions=1*TopologySelectorLabelRequirement
core.TopologySpreadConstraint maxSkew=1i topologyKey=2s whenUnsatisfiable=3s labelSelector=4?meta.LabelSelector minDomains=5?i nodeAffinityPolicy=6?s nodeTaintsPolicy=7?s matchLabelKeys=8*s
core.TypedLocalObjectReference apiGroup=1?s kind=2s name=3s
core.TypedObjectReference apiGroup=1?s kind=2s name=3s namespace=4?s
core.Volume name=1s volumeSource=2~VolumeSource
core.VolumeDevice name=1s devicePath=2s
core.VolumeHealthCondition status=1s reason=2s message=3s
core.VolumeHealthStatus healthConditions=1*VolumeHealthCondition lastTransitionTime=2meta.Time
core.VolumeMount name=1s readOnly=2b recursiveReadOnly=7?s mountPath=3s subPath=4s mountPropagation=5?s subPathExpr=6s bindMountOptions=8*s
core.VolumeMountStatus name=1s mountPath=2s readOnly=3b recursiveReadOnly=4?s volumeStatus=5?VolumeStatus
core.VolumeNodeAffinity required=1?NodeSelector
core.VolumeProjection secret=1?SecretProjection downwardAPI=2?DownwardAPIProjection configMap=3?ConfigMapProjection serviceAccountToken=4?ServiceAccountTokenProjection clusterTrustBundle=5?ClusterTrustBundleProjection podCertificate=6?PodCertificateProjection
core.VolumeResourceRequirements limits=1%quantity.Quantity requests=2%quantity.Quantity
core.VolumeSource hostPath=1?HostPathVolumeSource emptyDir=2?EmptyDirVolumeSource gcePersistentDisk=3?GCEPersistentDiskVolumeSource awsElasticBlockStore=4?AWSElasticBlockStoreVolumeSource gitRepo=5?GitRepoVolumeSource secret=6?SecretVolumeSource nfs=7?NFSVolumeSource iscsi=8?ISCSIVolumeSource glusterfs=9?GlusterfsVolumeSource persistentVolumeClaim=10?PersistentVolumeClaimVolumeSource rbd=11?RBDVolumeSource flexVolume=12?FlexVolumeSource cinder=13?CinderVolumeSource cephfs=14?CephFSVolumeSource flocker=15?FlockerVolumeSource downwardAPI=16?DownwardAPIVolumeSource fc=17?FCVolumeSource azureFile=18?AzureFileVolumeSource configMap=19?ConfigMapVolumeSource vsphereVolume=20?VsphereVirtualDiskVolumeSource quobyte=21?QuobyteVolumeSource azureDisk=22?AzureDiskVolumeSource photonPersistentDisk=23?PhotonPersistentDiskVolumeSource projected=26?ProjectedVolumeSource portworxVolume=24?PortworxVolumeSource scaleIO=25?ScaleIOVolumeSource storageos=27?StorageOSVolumeSource csi=28?CSIVolumeSource ephemeral=29?EphemeralVolumeSource image=30?ImageVolumeSource
core.VolumeStatus image=1?ImageVolumeStatus
core.VsphereVirtualDiskVolumeSource volumePath=1s fsType=2s storagePolicyName=3s storagePolicyID=4s
core.WeightedPodAffinityTerm weight=1i podAffinityTerm=2PodAffinityTerm
core.WindowsSecurityContextOptions gmsaCredentialSpecName=1?s gmsaCredentialSpec=2?s runAsUserName=3?s hostProcess=4?b
discovery.Endpoint addresses=1*s conditions=2EndpointConditions hostname=3?s targetRef=4?core.ObjectReference deprecatedTopology=5%s nodeName=6?s zone=7?s hints=8?EndpointHints
discovery.EndpointConditions ready=1?b serving=2?b terminating=3?b
discovery.EndpointHints forZones=1*ForZone forNodes=2*ForNode
discovery.EndpointPort name=1?s protocol=2?s port=3?i appProtocol=4?s
discovery.EndpointSlice metadata=1meta.ObjectMeta addressType=4s endpoints=2*Endpoint ports=3*EndpointPort
discovery.ForNode name=1s
discovery.ForZone name=1s
discovery/v1beta1.Endpoint addresses=1*s conditions=2discovery.EndpointConditions hostname=3?s targetRef=4?core.ObjectReference topology=5%s nodeName=6?s hints=7?discovery.EndpointHints
discovery/v1beta1.EndpointSlice metadata=1meta.ObjectMeta addressType=4s endpoints=2*Endpoint ports=3*discovery.EndpointPort
events.Event metadata=1meta.ObjectMeta eventTime=2meta.MicroTime series=3?EventSeries reportingController=4s reportingInstance=5s action=6s reason=7s regarding=8core.ObjectReference related=9?core.ObjectReference note=10s type=11s deprecatedSource=12core.EventSource deprecatedFirstTimestamp=13meta.Time deprecatedLastTimestamp=14meta.Time deprecatedCount=15i
events.EventSeries count=1i lastObservedTime=2meta.MicroTime
flowcontrol.ExemptPriorityLevelConfiguration nominalConcurrencyShares=1?i lendablePercent=2?i
flowcontrol.FlowDistinguisherMethod type=1s
flowcontrol.FlowSchema metadata=1meta.ObjectMeta spec=2FlowSchemaSpec status=3FlowSchemaStatus
flowcontrol.FlowSchemaCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
flowcontrol.FlowSchemaSpec priorityLevelConfiguration=1PriorityLevelConfigurationReference matchingPrecedence=2i distinguisherMethod=3?FlowDistinguisherMethod rules=4*PolicyRulesWithSubjects
flowcontrol.FlowSchemaStatus conditions=1*FlowSchemaCondition
flowcontrol.GroupSubject name=1s
flowcontrol.LimitResponse type=1s queuing=2?QueuingConfiguration
flowcontrol.LimitedPriorityLevelConfiguration nominalConcurrencyShares=1?i limitResponse=2LimitResponse lendablePercent=3?i borrowingLimitPercent=4?i
flowcontrol.NonResourcePolicyRule verbs=1*s nonResourceURLs=6*s
flowcontrol.PolicyRulesWithSubjects subjects=1*Subject resourceRules=2*ResourcePolicyRule nonResourceRules=3*NonResourcePolicyRule
flowcontrol.PriorityLevelConfiguration metadata=1meta.ObjectMeta spec=2PriorityLevelConfigurationSpec status=3PriorityLevelConfigurationStatus
flowcontrol.PriorityLevelConfigurationCondition type=1s status=2s lastTransitionTime=3meta.Time reason=4s message=5s
flowcontrol.PriorityLevelConfigurationReference name=1s
flowcontrol.PriorityLevelConfigurationSpec type=1s limited=2?LimitedPriorityLevelConfiguration exempt=3?ExemptPriorityLevelConfiguration
flowcontrol.PriorityLevelConfigurationStatus conditions=1*PriorityLevelConfigurationCondition
flowcontrol.QueuingConfiguration queues=1i handSize=2i queueLengthLimit=3i
flowcontrol.ResourcePolicyRule verbs=1*s apiGroups=2*s resources=3*s clusterScope=4b namespaces=5*s
flowcontrol.ServiceAccountSubject namespace=1s name=2s
flowcontrol.Subject kind=1s user=2?UserSubject group=3?GroupSubject serviceAccount=4?ServiceAccountSubject
flowcontrol.UserSubject name=1s
intstr.IntOrString type=1i intVal=2i strVal=3s
meta.APIGroup name=1s versions=2*GroupVersionForDiscovery preferredVersion=3GroupVersionForDiscovery serverAddressByClientCIDRs=4*ServerAddressByClientCIDR
meta.APIGroupList groups=1*APIGroup
meta.APIResource name=1s singularName=6s namespaced=2b group=8s version=9s kind=3s verbs=4Verbs shortNames=5*s categories=7*s storageVersionHash=10s
meta.APIResourceList groupVersion=1s resources=2*APIResource
meta.APIVersions versions=1*s serverAddressByClientCIDRs=2*ServerAddressByClientCIDR
meta.ApplyOptions dryRun=1*s force=2b fieldManager=3s
meta.Condition type=1s status=2s observedGeneration=3i lastTransitionTime=4Time reason=5s message=6s
meta.CreateOptions dryRun=1*s fieldManager=3s fieldValidation=4s
meta.DeleteOptions gracePeriodSeconds=1?i preconditions=2?Preconditions orphanDependents=3?b propagationPolicy=4?s dryRun=5*s ignoreStoreReadErrorWithClusterBreakingPotential=6?b
meta.Duration duration=1i
meta.FieldSelectorRequirement key=1s operator=2s values=3*s
meta.FieldsV1 Raw=1y
meta.GroupKind group=1s kind=2s
meta.GroupResource group=1s resource=2s
meta.GroupVersion group=1s version=2s
meta.GroupVersionForDiscovery groupVersion=1s version=2s
meta.GroupVersionKind group=1s version=2s kind=3s
meta.GroupVersionResource group=1s version=2s resource=3s
meta.LabelSelector matchLabels=1%s matchExpressions=2*LabelSelectorRequirement
meta.LabelSelectorRequirement key=1s operator=2s values=3*s
meta.ListMeta selfLink=1s resourceVersion=2s continue=3s remainingItemCount=4?i shardInfo=5?ShardInfo
meta.ManagedFieldsEntry manager=1s operation=2s apiVersion=3s time=4?Time fieldsType=6s fieldsV1=7?FieldsV1 subresource=8s
meta.MicroTime seconds=1i nanos=2i
meta.ObjectMeta name=1s generateName=2s namespace=3s selfLink=4s uid=5s resourceVersion=6s generation=7i creationTimestamp=8Time deletionTimestamp=9?Time deletionGracePeriodSeconds=10?i labels=11%s annotations=12%s ownerReferences=13*OwnerReference finalizers=14*s managedFields=17*ManagedFieldsEntry
meta.OwnerReference apiVersion=5s kind=1s name=3s uid=4s controller=6?b blockOwnerDeletion=7?b
meta.PartialObjectMetadata metadata=1ObjectMeta
meta.Patch 
meta.Preconditions uid=1?s resourceVersion=2?s
meta.ServerAddressByClientCIDR clientCIDR=1s serverAddress=2s
meta.ShardInfo selector=1s
meta.Status metadata=1ListMeta status=2s message=3s reason=4s details=5?StatusDetails code=6i
meta.StatusCause reason=1s message=2s field=3s
meta.StatusDetails name=1s group=2s kind=3s uid=6s causes=4*StatusCause retryAfterSeconds=5i
meta.Time seconds=1i nanos=2i
meta.Timestamp seconds=1i nanos=2i
meta.TypeMeta kind=1s apiVersion=2s
meta.UpdateOptions dryRun=1*s fieldManager=2s fieldValidation=3s
meta.Verbs items=1*s
meta/v1beta1.PartialObjectMetadataList metadata=2meta.ListMeta items=1*meta.PartialObjectMetadata
networking.HTTPIngressPath path=1s pathType=3?s backend=2IngressBackend
networking.HTTPIngressRuleValue paths=1*HTTPIngressPath
networking.IPAddress metadata=1meta.ObjectMeta spec=2IPAddressSpec
networking.IPAddressSpec parentRef=1?ParentReference
networking.IPBlock cidr=1s except=2*s
networking.Ingress metadata=1meta.ObjectMeta spec=2IngressSpec status=3IngressStatus
networking.IngressBackend service=4?IngressServiceBackend resource=3?core.TypedLocalObjectReference
networking.IngressClass metadata=1meta.ObjectMeta spec=2IngressClassSpec
networking.IngressClassParametersReference apiGroup=1?s kind=2s name=3s scope=4?s namespace=5?s
networking.IngressClassSpec controller=1s parameters=2?IngressClassParametersReference
networking.IngressLoadBalancerIngress ip=1s hostname=2s ports=4*IngressPortStatus
networking.IngressLoadBalancerStatus ingress=1*IngressLoadBalancerIngress
networking.IngressPortStatus port=1i protocol=2s error=3?s
networking.IngressRule host=1s ingressRuleValue=2~IngressRuleValue
networking.IngressRuleValue http=1?HTTPIngressRuleValue
networking.IngressServiceBackend name=1s port=2ServiceBackendPort
networking.IngressSpec ingressClassName=4?s defaultBackend=1?IngressBackend tls=2*IngressTLS rules=3*IngressRule
networking.IngressStatus loadBalancer=1IngressLoadBalancerStatus
networking.IngressTLS hosts=1*s secretName=2s
networking.NetworkPolicy metadata=1meta.ObjectMeta spec=2NetworkPolicySpec
networking.NetworkPolicyEgressRule ports=1*NetworkPolicyPort to=2*NetworkPolicyPeer
networking.NetworkPolicyIngressRule ports=1*NetworkPolicyPort from=2*NetworkPolicyPeer
networking.NetworkPolicyPeer podSelector=1?meta.LabelSelector namespaceSelector=2?meta.LabelSelector ipBlock=3?IPBlock
networking.NetworkPolicyPort protocol=1?s port=2?intstr.IntOrString endPort=3?i
networking.NetworkPolicySpec podSelector=1meta.LabelSelector ingress=2*NetworkPolicyIngressRule egress=3*NetworkPolicyEgressRule policyTypes=4*s
networking.ParentReference group=1s resource=2s namespace=3s name=4s
networking.ServiceBackendPort name=1s number=2i
networking.ServiceCIDR metadata=1meta.ObjectMeta spec=2ServiceCIDRSpec status=3ServiceCIDRStatus
networking.ServiceCIDRSpec cidrs=1*s
networking.ServiceCIDRStatus conditions=1*meta.Condition
node.Overhead podFixed=1%quantity.Quantity
node.RuntimeClass metadata=1meta.ObjectMeta handler=2s overhead=3?Overhead scheduling=4?Scheduling
node.Scheduling nodeSelector=1%s tolerations=2*core.Toleration
policy.Eviction metadata=1meta.ObjectMeta deleteOptions=2?meta.DeleteOptions
policy.PodDisruptionBudget metadata=1meta.ObjectMeta spec=2PodDisruptionBudgetSpec status=3PodDisruptionBudgetStatus
policy.PodDisruptionBudgetSpec minAvailable=1?intstr.IntOrString selector=2?meta.LabelSelector maxUnavailable=3?intstr.IntOrString unhealthyPodEvictionPolicy=4?s
policy.PodDisruptionBudgetStatus observedGeneration=1i disruptedPods=2%meta.Time disruptionsAllowed=3i currentHealthy=4i desiredHealthy=5i expectedPods=6i conditions=7*meta.Condition
rbac.AggregationRule clusterRoleSelectors=1*meta.LabelSelector
rbac.ClusterRole metadata=1meta.ObjectMeta rules=2*PolicyRule aggregationRule=3?AggregationRule
rbac.ClusterRoleBinding metadata=1meta.ObjectMeta subjects=2*Subject roleRef=3RoleRef
rbac.PolicyRule verbs=1*s apiGroups=2*s resources=3*s resourceNames=4*s nonResourceURLs=5*s
rbac.Role metadata=1meta.ObjectMeta rules=2*PolicyRule
rbac.RoleBinding metadata=1meta.ObjectMeta subjects=2*Subject roleRef=3RoleRef
rbac.RoleRef apiGroup=1s kind=2s name=3s
rbac.Subject kind=1s apiGroup=2s name=3s namespace=4s
resource.AllocatedDeviceStatus driver=1s pool=2s device=3s shareID=7?s conditions=4*meta.Condition data=5?runtime.RawExtension networkData=6?NetworkDeviceData
resource.AllocationResult devices=1DeviceAllocationResult nodeSelector=3?core.NodeSelector allocationTimestamp=5?meta.Time
resource.CELDeviceSelector expression=1s
resource.CapacityRequestPolicy default=1?quantity.Quantity validValues=3*quantity.Quantity validRange=4?CapacityRequestPolicyRange
resource.CapacityRequestPolicyRange min=1?quantity.Quantity max=2?quantity.Quantity step=3?quantity.Quantity
resource.CapacityRequirements requests=1%quantity.Quantity
resource.Counter value=1quantity.Quantity
resource.CounterSet name=1s counters=2%Counter
resource.Device name=1s attributes=2%DeviceAttribute capacity=3%DeviceCapacity consumesCounters=4*DeviceCounterConsumption nodeName=5?s nodeSelector=6?core.NodeSelector allNodes=7?b taints=8*DeviceTaint bindsToNode=9?b bindingConditions=10*s bindingFailureConditions=11*s allowMultipleAllocations=12?b nodeAllocatableResourceMappings=13%NodeAllocatableResourceMapping nodeAllocatableResources=14%NodeAllocatableResource
resource.DeviceAllocationConfiguration source=1s requests=2*s deviceConfiguration=3~DeviceConfiguration
resource.DeviceAllocationResult results=1*DeviceRequestAllocationResult config=2*DeviceAllocationConfiguration
resource.DeviceAttribute int=2?i bool=3?b string=4?s version=5?s ints=6*i bools=7*b strings=8*s versions=9*s
resource.DeviceCapacity value=1quantity.Quantity requestPolicy=2?CapacityRequestPolicy
resource.DeviceClaim requests=1*DeviceRequest constraints=2*DeviceConstraint config=3*DeviceClaimConfiguration
resource.DeviceClaimConfiguration requests=1*s deviceConfiguration=2~DeviceConfiguration
resource.DeviceClass metadata=1meta.ObjectMeta spec=2DeviceClassSpec
resource.DeviceClassConfiguration deviceConfiguration=1~DeviceConfiguration
resource.DeviceClassSpec selectors=1*DeviceSelector config=2*DeviceClassConfiguration extendedResourceName=4?s
resource.DeviceConfiguration opaque=1?OpaqueDeviceConfiguration
resource.DeviceConstraint requests=1*s matchAttribute=2?s distinctAttribute=3?s
resource.DeviceCounterConsumption counterSet=1s counters=2%Counter
resource.DeviceRequest name=1s exactly=2?ExactDeviceRequest firstAvailable=3*DeviceSubRequest
resource.DeviceRequestAllocationResult request=1s driver=2s pool=3s device=4s adminAccess=5?b tolerations=6*DeviceToleration bindingConditions=7*s bindingFailureConditions=8*s shareID=9?s consumedCapacity=10%quantity.Quantity skipNodeOperations=11*s
resource.DeviceSelector cel=1?CELDeviceSelector
resource.DeviceSubRequest name=1s deviceClassName=2s selectors=3*DeviceSelector allocationMode=4s count=5i tolerations=6*DeviceToleration capacity=7?CapacityRequirements
resource.DeviceTaint key=1s value=2s effect=3s timeAdded=4?meta.Time
resource.DeviceTaintRule metadata=1meta.ObjectMeta spec=2DeviceTaintRuleSpec status=3DeviceTaintRuleStatus
resource.DeviceTaintRuleSpec deviceSelector=1?DeviceTaintSelector taint=2DeviceTaint
resource.DeviceTaintRuleStatus conditions=1*meta.Condition
resource.DeviceTaintSelector driver=2?s pool=3?s device=4?s
resource.DeviceToleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5?i
resource.ExactDeviceRequest deviceClassName=1s selectors=2*DeviceSelector allocationMode=3s count=4i adminAccess=5?b tolerations=6*DeviceToleration capacity=7?CapacityRequirements
resource.NetworkDeviceData interfaceName=1s ips=2*s hardwareAddress=3s
resource.NodeAllocatableMapping capacityKey=1?s capacityMultiplier=2?quantity.Quantity deviceMultiplier=3?quantity.Quantity
resource.NodeAllocatableOverhead perPod=1?quantity.Quantity perContainer=2?quantity.Quantity
resource.NodeAllocatableResource mapping=3?NodeAllocatableMapping overhead=4?NodeAllocatableOverhead
resource.NodeAllocatableResourceMapping capacityKey=1?s allocationMultiplier=2?quantity.Quantity
resource.OpaqueDeviceConfiguration driver=1s parameters=2runtime.RawExtension
resource.ResourceClaim metadata=1meta.ObjectMeta spec=2ResourceClaimSpec status=3ResourceClaimStatus
resource.ResourceClaimConsumerReference apiGroup=1s resource=3s name=4s uid=5s
resource.ResourceClaimSpec devices=1DeviceClaim
resource.ResourceClaimStatus allocation=1?AllocationResult reservedFor=2*ResourceClaimConsumerReference devices=4*AllocatedDeviceStatus
resource.ResourceClaimTemplate metadata=1meta.ObjectMeta spec=2ResourceClaimTemplateSpec
resource.ResourceClaimTemplateSpec metadata=1meta.ObjectMeta spec=2ResourceClaimSpec
resource.ResourcePool name=1s generation=2i resourceSliceCount=3i
resource.ResourceSlice metadata=1meta.ObjectMeta spec=2ResourceSliceSpec
resource.ResourceSliceSpec driver=1s pool=2ResourcePool nodeName=3?s nodeSelector=4?core.NodeSelector allNodes=5?b devices=6*Device perDeviceNodeSelection=7?b sharedCounters=8*CounterSet partitionTypeAttribute=9?s skipNodeOperations=10*s
scheduling.PriorityClass metadata=1meta.ObjectMeta value=2i globalDefault=3b description=4s preemptionPolicy=5?s
storage.CSIDriver metadata=1meta.ObjectMeta spec=2CSIDriverSpec
storage.CSIDriverSpec attachRequired=1?b podInfoOnMount=2?b volumeLifecycleModes=3*s storageCapacity=4?b fsGroupPolicy=5?s tokenRequests=6*TokenRequest requiresRepublish=7?b seLinuxMount=8?b nodeAllocatableUpdatePeriodSeconds=9?i serviceAccountTokenInSecrets=10?b preventPodSchedulingIfMissing=11?b
storage.CSINode metadata=1meta.ObjectMeta spec=2CSINodeSpec status=3CSINodeStatus
storage.CSINodeDriver name=1s nodeID=2s topologyKeys=3*s allocatable=4?VolumeNodeResources
storage.CSINodeSpec drivers=1*CSINodeDriver
storage.CSINodeStatus storageHealth=1*StorageHealth
storage.CSIStorageCapacity metadata=1meta.ObjectMeta nodeTopology=2?meta.LabelSelector storageClassName=3s capacity=4?quantity.Quantity maximumVolumeSize=5?quantity.Quantity
storage.StorageClass metadata=1meta.ObjectMeta provisioner=2s parameters=3%s reclaimPolicy=4?s mountOptions=5*s allowVolumeExpansion=6?b volumeBindingMode=7?s allowedTopologies=8*core.TopologySelectorTerm
storage.StorageHealth name=1s healthConditions=2*StorageHealthCondition
storage.StorageHealthCondition status=1s reason=2s message=3s accessMode=4?s volumeMode=5?s lastTransitionTime=6meta.Time
storage.TokenRequest audience=1s expirationSeconds=2?i
storage.VolumeAttachment metadata=1meta.ObjectMeta spec=2VolumeAttachmentSpec status=3VolumeAttachmentStatus
storage.VolumeAttachmentSource persistentVolumeName=1?s inlineVolumeSpec=2?core.PersistentVolumeSpec
storage.VolumeAttachmentSpec attacher=1s source=2VolumeAttachmentSource nodeName=3s
storage.VolumeAttachmentStatus attached=1b attachmentMetadata=2%s attachError=3?VolumeError detachError=4?VolumeError
storage.VolumeAttributesClass metadata=1meta.ObjectMeta driverName=2s parameters=3%s
storage.VolumeError time=1meta.Time message=2s errorCode=3?i
storage.VolumeNodeResources count=1?i
`
