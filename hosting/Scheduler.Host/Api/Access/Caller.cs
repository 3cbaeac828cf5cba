using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Host.Api.Entities;

namespace Scheduler.Host.Api.Access;

/// <summary>Who makes a request.</summary>
/// <param name="Name">For the history: <c>token NAME</c>, <c>uid N</c>, <c>local</c>, or <c>address IP</c>. A token's name has no
/// space, so none of them can be taken for another.</param>
/// <param name="Role">What they may do.</param>
internal sealed record Caller(string Name, [property: JsonConverter(typeof(Word<CatalogRole>))] CatalogRole Role)
{
    /// <summary>Who makes a request that <see cref="AccessControl"/> has let through.</summary>
    /// <param name="context">The request.</param>
    /// <returns>Who.</returns>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("nobody has checked who makes this request");
}
