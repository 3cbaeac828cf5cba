using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Host.Api.Client;

/// <summary>A part of a list.</summary>
/// <param name="Items">What is in it.</param>
/// <param name="Next">After what, or from where on, the next part begins: a name or a number; null at the end.</param>
internal sealed record ItemPage([property: JsonRequired] IReadOnlyList<JsonElement> Items, JsonElement? Next);

/// <summary>What the admin API answers. A field that is not known here is passed over: the service may be newer.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(ItemPage))]
[JsonSerializable(typeof(Stats))]
internal sealed partial class ClientJson : JsonSerializerContext;
