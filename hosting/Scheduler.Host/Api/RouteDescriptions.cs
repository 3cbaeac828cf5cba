using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Scheduler.Host.Api;

/// <summary>What the OpenAPI document says of a route.</summary>
internal static class RouteDescriptions
{
    /// <summary>Says what it does.</summary>
    /// <param name="route">The route.</param>
    /// <param name="name">Its name for generated clients, e.g. <c>putGuest</c>.</param>
    /// <param name="summary">The same in words.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string name, string summary) => route.WithName(name).WithSummary(summary);

    /// <summary>Says what body it takes.</summary>
    /// <typeparam name="T">The body.</typeparam>
    /// <param name="route">The route.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route)
        where T : notnull =>
        route.Accepts<T>("application/json");

    /// <summary>Says that its answers have an entity's tag.</summary>
    /// <param name="route">The route.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder HasTag(this RouteHandlerBuilder route) => route.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
        {
            if (status is not ("200" or "201") || response is not OpenApiResponse answer)
                continue;
            answer.Headers ??= new Dictionary<string, IOpenApiHeader>();
            answer.Headers[HeaderNames.ETag] = new OpenApiHeader { Description = "The entity's revision, in quotes", Required = true, Schema = Text() };
        }

        return Task.CompletedTask;
    });

    /// <summary>Says that it can be held to an entity's tag.</summary>
    /// <param name="route">The route.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder TakesTag(this RouteHandlerBuilder route) => route.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(Header(HeaderNames.IfMatch, "Does it only to this revision, as ETag has it; *: only if it is there. Otherwise 412"));
        operation.Parameters.Add(Header(HeaderNames.IfNoneMatch, "*: does it only if it is not there. Otherwise 412"));
        return Task.CompletedTask;
    });

    /// <summary>Says how it refuses, beside 401 and 403.</summary>
    /// <param name="route">The route.</param>
    /// <param name="statuses">HTTP statuses.</param>
    /// <returns>The route.</returns>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (int status in statuses)
            _ = route.ProducesProblem(status);
        return route;
    }

    private static OpenApiParameter Header(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = Text() };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };
}
