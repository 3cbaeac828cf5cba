using System.Text.Json.Serialization;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Api.Entities;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>How what the admin API takes and answers is read and written as JSON: strictly.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    MaxDepth = DepthMax)]
[JsonSerializable(typeof(Caller))]
[JsonSerializable(typeof(ChangeList))]
[JsonSerializable(typeof(DetachAnswer))]
[JsonSerializable(typeof(DiskFields))]
[JsonSerializable(typeof(DiskItem))]
[JsonSerializable(typeof(FaultChangeList))]
[JsonSerializable(typeof(GuestFields))]
[JsonSerializable(typeof(GuestItem))]
[JsonSerializable(typeof(IdentityFields))]
[JsonSerializable(typeof(IdentityItem))]
[JsonSerializable(typeof(Page<DiskItem>), TypeInfoPropertyName = "PageDiskItem")]
[JsonSerializable(typeof(Page<GuestItem>), TypeInfoPropertyName = "PageGuestItem")]
[JsonSerializable(typeof(Page<IdentityItem>), TypeInfoPropertyName = "PageIdentityItem")]
[JsonSerializable(typeof(Page<RingFigures>), TypeInfoPropertyName = "PageRingFigures")]
[JsonSerializable(typeof(Page<TokenItem>), TypeInfoPropertyName = "PageTokenItem")]
[JsonSerializable(typeof(Page<VolumeItem>), TypeInfoPropertyName = "PageVolumeItem")]
[JsonSerializable(typeof(RescanAnswer))]
[JsonSerializable(typeof(Statistics))]
[JsonSerializable(typeof(TokenFields))]
[JsonSerializable(typeof(TokenItem))]
[JsonSerializable(typeof(VolumeFields))]
[JsonSerializable(typeof(VolumeItem))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>Deepest nesting that is read; what there is has 4.</summary>
    public const int DepthMax = 8;
}
